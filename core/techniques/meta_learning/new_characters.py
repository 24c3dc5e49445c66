"""Characters of alphabets that were never shown, told apart by a few drawings: Omniglot, in four embeddings."""

from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core.arrays import Maps, Pixels
from core.backbones.stages import seeded
from core.events import Event, Note, Progress
from core.techniques.events import Panel, Pictures, Score
from core.techniques.fetching import fetching, while_working
from core.techniques.meta_learning.classifier import train_as_classifier
from core.techniques.meta_learning.entry import OMNIGLOT, OmniglotSettings
from core.techniques.meta_learning.omniglot import BYTES, TITLE, Characters, download_characters
from core.techniques.meta_learning.prototypes import few_shot_accuracies, train_by_episodes
from core.techniques.panels import enlarged
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within

SIDE = 20  # pixels; the papers have 28
BLOCKS, CHANNELS = 3, 16  # the papers have 4 and 64
SHOTS = (1, 2, 5)
TRAINED_WAYS, TRAINED_SHOTS, TRAINED_QUERIES = 20, 5, 5
RATE = 3e-3
NEW = 100  # characters of the test that a seed draws, the same for all of its arms
QUERIES, TESTED = 10, 200  # of each character, episodes
SHOWN = 3  # characters in the panel, by two people each
READ = 0.15  # how far it is when the drawings are read; a download counts as part of it


def embedding() -> nn.Module:
    """Blocks of 3 x 3 convolution, batch normalisation, ReLU and 2 x 2 max-pooling: Snell et al. 2017, section 3.1."""
    blocks: list[nn.Module] = []
    for inputs in (1, *[CHANNELS] * (BLOCKS - 1)):
        blocks += [
            nn.Conv2d(inputs, CHANNELS, 3, padding=1),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*blocks, nn.Flatten())


def learned(
    known: Characters, settings: OmniglotSettings, seed: int
) -> Generator[Event, None, dict[str, nn.Module]]:
    """Train one network for each arm that has one, from the same first weights and with the same budget."""
    networks = {}
    for name in ("random", "prototypes", "classifier"):
        with seeded(seed):
            networks[name] = embedding()
    networks["random"].eval()
    generator = torch.Generator().manual_seed(seed)
    ways = min(TRAINED_WAYS, len(known.names))
    learning_to_learn = while_working(
        lambda told: train_by_episodes(
            networks["prototypes"],
            known.drawings,
            known.labels,
            episodes=settings.episodes,
            ways=ways,
            shots=TRAINED_SHOTS,
            queries=TRAINED_QUERIES,
            rate=RATE,
            generator=generator,
            told=told,
        ),
        lambda done, total: f"learning to learn, task {done} of {total}",
    )
    yield from within(0.0, 0.5, learning_to_learn)
    naming_the_known = while_working(
        lambda told: train_as_classifier(
            networks["classifier"],
            known.drawings,
            known.labels,
            width=CHANNELS * (SIDE // 2**BLOCKS) ** 2,
            steps=settings.episodes,
            batch=ways * (TRAINED_SHOTS + TRAINED_QUERIES),
            rate=RATE,
            generator=generator,
            told=told,
        ),
        lambda done, total: f"plain classifier, step {done} of {total}",
    )
    yield from within(0.5, 1.0, naming_the_known)
    return networks


def accuracies(
    networks: dict[str, nn.Module], new: Characters, ways: int, seed: int
) -> dict[str, list[float]]:
    """Accuracy of every arm on characters of ``new``, for each of `SHOTS` drawings, on the same episodes."""
    generator = torch.Generator().manual_seed(seed)
    some = new.of(torch.randperm(len(new.names), generator=generator)[:NEW])
    return {
        arm.name: few_shot_accuracies(
            _embedded(networks.get(arm.name), some.drawings),
            some.labels,
            SHOTS,
            ways=ways,
            queries=QUERIES,
            episodes=TESTED,
            seed=seed,
        )
        for arm in OMNIGLOT.arms
    }


@torch.no_grad()
def _embedded(network: nn.Module | None, drawings: Tensor) -> Tensor:
    if network is None:
        return drawings.flatten(1)
    return torch.cat([network(drawings[start : start + 256]) for start in range(0, len(drawings), 256)])


def run(settings: OmniglotSettings) -> Iterator[Event]:
    """Fetch what is not here yet, then score every arm of one seed, then the next seed."""
    yield Progress(done=0.0, phase="Looking for the drawings")
    reading = while_working(lambda told: download_characters(SIDE, told), fetching(TITLE, BYTES))
    known, new = yield from within(0.0, READ, reading)
    yield _drawings(new)
    report = Report(technique=OMNIGLOT)

    def one_seed(seed: int) -> Events:
        networks = yield from within(0.0, 0.9, learned(known, settings, seed))
        yield Progress(done=0.9, phase="asking about new characters")
        for arm, values in accuracies(networks, new, settings.ways, seed).items():
            for shots, value in zip(SHOTS, values, strict=True):
                yield Score(arm=arm, seed=seed, value=value, x=shots)

    yield from each_seed(settings, one_seed, report, begin=READ)
    yield Note(message="Against plain pixels: " + report.compare("prototypes", "pixels").sentence)
    yield Note(
        message=(
            "Snell et al. 2017 (table 1) name 98.8 % by one drawing and 99.7 % by five, 5 characters at once, where "
            f"chance is 20 %: a network of {4 * CHANNELS} channels instead of {CHANNELS}, trained far longer, and "
            "tested on characters whose alphabets are partly known."
        )
    )


def _drawings(new: Characters) -> Panel:
    """Show what has to be told apart: the same characters by two people each."""
    pictures, captions = [], []
    for label in range(min(SHOWN, len(new.names))):
        drawn = new.drawings[new.labels == label]
        for person in range(2):
            pictures.append(_shown(drawn[person, 0].numpy()))
            alphabet = new.names[label].partition("/")[0].replace("_", " ")
            captions.append(f"{alphabet} {label + 1}")
    return Panel(
        name="drawings",
        title="What has to be told apart",
        caption=(
            f"The first {SHOWN} characters of the test, each by two people, as the network sees them: {SIDE} × {SIDE} "
            "pixels."
        ),
        drawing=Pictures(pictures=tuple(pictures), captions=tuple(captions)),
    )


def _shown(drawing: Maps) -> Pixels:
    paper_white = (255 * (1 - drawing)).round().astype(np.uint8)
    return enlarged(paper_white, 4)
