"""Prototypical networks: a class is the mean of its few examples. Snell et al. 2017 (arXiv 1703.05175)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def class_scores(support: Tensor, labels: Tensor, queries: Tensor, classes: int) -> Tensor:
    """Minus the squared distance of ``queries`` (Q, D) to each class's prototype: (Q, classes), before softmax.

    A prototype is the mean of a class's embedded examples, ``support`` (N, D) with ``labels`` (N,).
    """
    members = functional.one_hot(labels, classes).to(support.dtype)  # (N, classes)
    prototypes = members.T @ support / members.sum(dim=0)[:, None]  # (classes, D)
    return -(queries[:, None] - prototypes).square().sum(dim=2)


def episode(
    labels: Tensor, ways: int, shots: int, queries: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw ``ways`` classes out of those in ``labels`` (N,), and images of each.

    Numbers of support images (ways * shots,), of queries (ways * queries,), and the support's labels; the queries'
    are ``arange(ways)`` repeated likewise.
    """
    known = torch.tensor(sorted(set(labels.tolist())))
    drawn = known[torch.randperm(len(known), generator=generator)[:ways]]
    support, asked = [], []
    for label in drawn:
        members = torch.nonzero(labels == label).flatten()
        members = members[torch.randperm(len(members), generator=generator)[: shots + queries]]
        support.append(members[:shots])
        asked.append(members[shots:])
    return torch.cat(support), torch.cat(asked), torch.arange(ways).repeat_interleave(shots)


def train_by_episodes(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    episodes: int,
    ways: int,
    shots: int,
    queries: int,
    rate: float,
    generator: torch.Generator,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Train an embedding on tasks made like those to come: a few classes, a few examples, then a question.

    ``images`` (N, ...) and ``labels`` (N,) are of the classes that are known; ``network`` embeds images as (N, D).
    ``told(done, total)`` counts episodes.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    target = torch.arange(ways).repeat_interleave(queries)
    network.train()
    for number in range(episodes):
        told(number, episodes)
        support, asked, its_labels = episode(labels, ways, shots, queries, generator)
        embedded = network(images[torch.cat([support, asked])])
        few, many = embedded[: len(support)], embedded[len(support) :]
        loss = functional.cross_entropy(class_scores(few, its_labels, many, ways), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()


@torch.no_grad()
def few_shot_accuracies(
    embedded: Tensor,
    labels: Tensor,
    shots: Sequence[int],
    *,
    ways: int,
    queries: int,
    episodes: int,
    seed: int,
) -> list[float]:
    """Share of queries named rightly by each number of ``shots``, over episodes drawn from (N, D) of new classes.

    The seed's episodes are the same for every embedding.
    """
    target = torch.arange(ways).repeat_interleave(queries)
    accuracies = []
    for few in shots:
        generator = torch.Generator().manual_seed(seed)
        right = 0
        for _ in range(episodes):
            support, asked, its_labels = episode(labels, ways, few, queries, generator)
            scores = class_scores(embedded[support], its_labels, embedded[asked], ways)
            right += int((scores.argmax(dim=1) == target).sum())
        accuracies.append(right / (episodes * len(target)))
    return accuracies
