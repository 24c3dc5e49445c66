"""Learning to learn as the papers measure it: sine waves with the paper's budget, Omniglot with prototypes.

    python -m benchmarks.meta_learning --rounds 10000
    python -m benchmarks.meta_learning --omniglot ../shared/data/omniglot-images_background_small1.zip
    python -m benchmarks.meta_learning --alphabets ../shared/data/omniglot-images_background_small1.zip --seeds 5

Sine waves: mean squared error after 1, 5 and 10 steps on 5 and on 10 points, by networks trained with 10, beside
Finn et al. 2017 (arXiv 1703.03400), table 2. Omniglot: the convolutional embedding of Snell et al. 2017 (1703.05175,
four blocks of 64 channels), trained by episodes on two thirds of the characters and tested on the others, 28 pixels.
With ``--alphabets``, the experiment of the page (``meta-learning`` with ``tasks=omniglot``) on one of the authors'
small archives instead of the download: learned on three fifths of the alphabets, tested on the others.
"""

import argparse
import time
import zipfile
from collections.abc import Generator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from core.backbones.stages import seeded
from core.metrics.classification import mean_interval
from core.techniques.meta_learning import new_characters
from core.techniques.meta_learning.entry import OmniglotSettings
from core.techniques.meta_learning.learners import best_rate, course, errors_after, gradient_of, learn
from core.techniques.meta_learning.omniglot import read_characters
from core.techniques.meta_learning.prototypes import few_shot_accuracies, train_by_episodes
from core.techniques.threads import one_thread

STEPS = (1, 5, 10)
WAYS = 5


def waves(rounds: int, seeds: int) -> None:
    """Print the errors of all arms on few and on many points of a new wave."""
    started = time.perf_counter()
    courses = [course(seed, 10, rounds, 1.0) for seed in range(seeds)]
    for arm in ("maml", "pretrained", "reptile"):
        *_, (_, learned) = learn(courses, gradient_of(arm, 10, 1))
        for points in (5, 10):
            rows = []
            for one, weights in zip(courses, learned, strict=True):
                fewer = replace(one, chosen_x=one.chosen_x[:, :points], tested_x=one.tested_x[:, :points])
                rate = best_rate(weights, fewer, STEPS)
                rows.append(errors_after(weights, fewer.tested_on, fewer.tested_x, rate, STEPS))
            shown = [mean_interval(list(column)) for column in zip(*rows, strict=True)]
            text = "  ".join(f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" for one in shown)
            seconds = time.perf_counter() - started
            print(
                f"{arm:12}{points:3} points, {rounds} rounds, after {STEPS} steps: {text}  ({seconds:.0f} s)",
                flush=True,
            )
    print(
        "Finn et al. 2017, table 2, 5 points, 70,000 rounds: MAML 0.67 0.38 0.35, pretrained 2.41 2.23 2.19"
    )


def omniglot(path: Path, side: int) -> tuple[Tensor, Tensor]:
    """Read characters (N, 1, side, side), ink 1, and which character each is (N,)."""
    images, labels = [], []
    with zipfile.ZipFile(path) as archive:
        files = sorted(name for name in archive.namelist() if name.endswith(".png"))
        characters = sorted({name.rpartition("/")[0] for name in files})
        for name in files:
            picture = Image.open(BytesIO(archive.read(name))).convert("L").resize((side, side))
            images.append(1 - np.asarray(picture, dtype=np.float32) / 255)
            labels.append(characters.index(name.rpartition("/")[0]))
    return torch.from_numpy(np.stack(images))[:, None], torch.tensor(labels)


def embedding(channels: int) -> nn.Module:
    """Four blocks of 3 x 3 convolution, batch normalisation, ReLU and 2 x 2 max-pooling."""
    blocks: list[nn.Module] = []
    for inputs in (1, channels, channels, channels):
        blocks += [
            nn.Conv2d(inputs, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*blocks, nn.Flatten())


def characters(path: Path, seeds: int, episodes: int, channels: int) -> None:
    """Print 5-way accuracy on characters never shown, by prototypes in three embeddings."""
    images, labels = omniglot(path, 28)
    count = int(labels.max()) + 1
    found: dict[tuple[str, int], list[float]] = {}
    started = time.perf_counter()
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        known = torch.randperm(count, generator=generator)[: 2 * count // 3]
        is_known = torch.isin(labels, known)
        with seeded(seed):
            network = embedding(channels)
        new, new_labels = images[~is_known], labels[~is_known]
        embedded = {"pixels": new.flatten(1), "random": _embed(network, new)}
        train_by_episodes(
            network,
            images[is_known],
            labels[is_known],
            episodes=episodes,
            ways=20,
            shots=5,
            queries=5,
            rate=1e-3,
            generator=generator,
        )
        embedded["prototypes"] = _embed(network, new)
        for name, points in embedded.items():
            accuracies = few_shot_accuracies(
                points, new_labels, (1, 5), ways=WAYS, queries=10, episodes=200, seed=seed
            )
            for shots, accuracy in zip((1, 5), accuracies, strict=True):
                found.setdefault((name, shots), []).append(accuracy)
    print(
        f"Omniglot, {count} characters, a third of them new, {episodes} episodes, {time.perf_counter() - started:.0f} s"
    )
    for (name, shots), values in found.items():
        one = mean_interval(values)
        print(f"  {name:12}{WAYS}-way {shots}-shot  {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]")
    print("Snell et al. 2017, table 1, 1,200 characters and their rotations: 0.988 and 0.997")


def new_alphabets(path: Path, seeds: int) -> None:
    """Print the accuracy of every arm of the page's experiment on alphabets that were never shown."""
    everything = read_characters(path, new_characters.SIDE)
    alphabets = sorted({name.partition("/")[0] for name in everything.names})
    shown = alphabets[: round(0.6 * len(alphabets))]
    is_shown = torch.tensor([name.partition("/")[0] in shown for name in everything.names])
    known, new = (everything.of(torch.nonzero(which).flatten()) for which in (is_shown, ~is_shown))
    settings = OmniglotSettings()
    found: dict[tuple[str, int], list[float]] = {}
    started = time.perf_counter()
    with one_thread():
        for seed in range(seeds):
            networks = _result(new_characters.learned(known, settings, seed))
            for arm, values in new_characters.accuracies(networks, new, settings.ways, seed).items():
                for shots, value in zip(new_characters.SHOTS, values, strict=True):
                    found.setdefault((arm, shots), []).append(value)
    print(
        f"Omniglot, {len(known.names)} characters of {', '.join(shown)}; {len(new.names)} of the other alphabets are "
        f"new; {settings.episodes} episodes, {time.perf_counter() - started:.0f} s"
    )
    for (arm, shots), values in found.items():
        one = mean_interval(values)
        print(f"  {arm:12}{settings.ways}-way {shots}-shot  {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]")


def _result(learning: Generator[object, None, dict[str, nn.Module]]) -> dict[str, nn.Module]:
    while True:
        try:
            next(learning)
        except StopIteration as over:
            return dict(over.value)


@torch.no_grad()
def _embed(network: nn.Module, images: Tensor) -> Tensor:
    network.eval()
    return torch.cat([network(part) for part in images.split(256)])


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, help="of learning to learn on sine waves; left out without")
    parser.add_argument("--omniglot", type=Path, help="the authors' ZIP; left out without")
    parser.add_argument(
        "--alphabets", type=Path, help="the same, for the page's experiment; left out without"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--channels", type=int, default=32, help="of each block; the paper has 64")
    arguments = parser.parse_args()
    if arguments.rounds:
        waves(arguments.rounds, arguments.seeds)
    if arguments.omniglot:
        characters(arguments.omniglot, arguments.seeds, arguments.episodes, arguments.channels)
    if arguments.alphabets:
        new_alphabets(arguments.alphabets, arguments.seeds)


if __name__ == "__main__":
    main()
