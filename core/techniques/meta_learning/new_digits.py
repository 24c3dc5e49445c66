"""Digits that were never shown, told apart by a few examples: prototypes in several embeddings.

Six of scikit-learn's ten digits are known and train the embedding; the other four are new.
"""

from functools import cache

import torch
from torch import Tensor, nn

from core.backbones.stages import seeded
from core.techniques.digits.scanned import scanned_digits
from core.techniques.meta_learning.classifier import train_as_classifier
from core.techniques.meta_learning.prototypes import few_shot_accuracies, train_by_episodes

NEW = 4  # digits
SHOTS = (1, 2, 5, 10)
EPISODES, RATE = 150, 3e-3
TRAINED_SHOTS, QUERIES = 5, 10
TESTED = 30  # episodes
EMBEDDINGS = ("prototypes", "classifier", "pixels", "random")


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """Images (1797, 64), 0-1, and labels (1797,)."""
    images, labels = scanned_digits()
    return torch.tensor(images.reshape(len(images), -1), dtype=torch.float32), torch.tensor(labels)


def accuracies(seed: int, episodes: int | None = None) -> dict[str, list[float]]:
    """Accuracy on four new digits by each of `EMBEDDINGS`, for each of `SHOTS` examples of a digit."""
    episodes = EPISODES if episodes is None else episodes
    generator = torch.Generator().manual_seed(seed)
    images, labels = _digits()
    new = torch.randperm(10, generator=generator)[:NEW]
    is_new = torch.isin(labels, new)
    known, known_labels = (
        images[~is_new],
        torch.searchsorted(torch.nonzero(~torch.isin(torch.arange(10), new)).flatten(), labels[~is_new]),
    )
    asked, asked_labels = images[is_new], labels[is_new]
    networks = {name: _network(seed) for name in ("prototypes", "classifier", "random")}
    train_by_episodes(
        networks["prototypes"],
        known,
        known_labels,
        episodes=episodes,
        ways=NEW,
        shots=TRAINED_SHOTS,
        queries=QUERIES,
        rate=RATE,
        generator=generator,
    )
    # As many steps, images a step and the same rate as the episodes have.
    train_as_classifier(
        networks["classifier"],
        known,
        known_labels,
        width=32,
        steps=episodes,
        batch=NEW * (TRAINED_SHOTS + QUERIES),
        rate=RATE,
        generator=generator,
    )
    by_embedding: dict[str, list[float]] = {}
    for name in EMBEDDINGS:
        with torch.no_grad():
            embedded = networks[name](asked) if name in networks else asked
        by_embedding[name] = few_shot_accuracies(
            embedded, asked_labels, SHOTS, ways=NEW, queries=QUERIES, episodes=TESTED, seed=seed
        )
    return by_embedding


def _network(seed: int) -> nn.Module:
    with seeded(seed):
        return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
