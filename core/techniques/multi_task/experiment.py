"""Digits learned alone, beside a related question, beside a rival one, and beside a meaningless one."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch

from core.arrays import Floats
from core.backbones.stages import seeded
from core.events import Event, Note, Progress
from core.techniques.events import Colour, Lines, Panel, Pictures, Score
from core.techniques.multi_task import tasks
from core.techniques.multi_task.entry import TECHNIQUE, MultiTaskSettings
from core.techniques.multi_task.learning import STEPS, train
from core.techniques.multi_task.network import TwoHeads
from core.techniques.panels import enlarged, mean_line
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed

ARMS = ("single", "related", "rival", "shuffled")
BINS = 20  # over which the cosines of a run are averaged: a single step's is mostly noise
DRAWN: dict[str, tuple[str, Colour, bool]] = {
    "related": ("Related task", "fire", False),
    "rival": ("Rival task", "gold", False),
    "shuffled": ("Shuffled labels", "grey", True),
}
ASKED = {"loop": ("no loop", "a loop"), "odd_even": ("even", "odd"), "high_low": ("0 to 4", "5 to 9")}
ENLARGED = 4  # times
EVERY = 60  # steps between two signs of life
WHERE = ("top", "middle", "bottom"), ("left", "centre", "right")


def run(settings: MultiTaskSettings) -> Iterator[Event]:
    """Train all arms of one seed, then of the next; the chart of gradients grows with every seed."""
    yield Progress(done=0.0, phase="Placing digits")
    report = Report(technique=TECHNIQUE)
    cosines: dict[str, list[Floats]] = {arm: [] for arm in DRAWN}
    yield from each_seed(settings, partial(_one_seed, settings, cosines), report)
    for arm in ("rival", "shuffled"):
        title = TECHNIQUE.arm(arm).title
        yield Note(message=f"{title} against digits alone: {report.compare(arm, 'single').sentence}.")
    means = ", ".join(
        f"{title.lower()} {round(float(np.mean(cosines[arm])), 2) + 0.0:+.2f}".replace("-", "−")
        for arm, (title, *_) in DRAWN.items()
    )
    yield Note(message=f"Mean cosine between the two tasks' gradients of the trunk: {means}.")


def _one_seed(settings: MultiTaskSettings, cosines: dict[str, list[Floats]], seed: int) -> Events:
    known, test = tasks.placed_digits(seed)
    if seed == settings.first_seed:
        yield _pictures(known, settings)
    for place, arm in enumerate(ARMS):
        similarities: list[float | None] = []
        network = _network(arm, seed, settings)
        for step, similarity in enumerate(_learn(network, arm, known, seed, settings)):
            if step % EVERY == 0:
                done = (place + step / STEPS) / len(ARMS)
                yield Progress(done=done, phase=TECHNIQUE.arm(arm).title.lower())
            similarities.append(similarity)
        yield Score(arm=arm, seed=seed, value=accuracy(network, test))
        if arm in DRAWN:
            values = np.array(similarities, dtype=np.float64)
            cosines[arm].append(values.reshape(BINS, -1).mean(axis=1))
    if seed > settings.first_seed:
        yield _similarity(cosines)


def _network(arm: str, seed: int, settings: MultiTaskSettings) -> TwoHeads:
    with seeded(seed):  # trunk and first head start the same in every arm
        return TwoHeads(settings.width, tasks.PLACES if arm == "rival" else 2)


def _learn(
    network: TwoHeads, arm: str, known: tasks.PlacedDigits, seed: int, settings: MultiTaskSettings
) -> Iterator[float | None]:
    images = torch.from_numpy(known.images)
    few = settings.labelled
    second = None
    if arm != "single":
        answers, _ = tasks.second_answers(arm, settings.related, known, seed)
        second = images, torch.from_numpy(answers)
    yield from train(
        network,
        (images[:few], torch.from_numpy(known.digit)[:few]),
        second,
        weight=settings.weight,
        surgery=settings.surgery,
        generator=torch.Generator().manual_seed(seed),
    )


@torch.no_grad()
def accuracy(network: TwoHeads, test: tasks.PlacedDigits) -> float:
    """Share of the test pictures whose digit is named rightly."""
    named = network(torch.from_numpy(test.images)).argmax(dim=1).numpy()
    return float((named == test.digit).mean())


def _pictures(train_part: tasks.PlacedDigits, settings: MultiTaskSettings) -> Panel:
    shown, captions = [], []
    related = tasks.related_answers(settings.related, train_part.digit)
    for number in range(6):
        row, column = divmod(int(train_part.place[number]), 3)
        place = f"{WHERE[0][row]} {WHERE[1][column]}"
        picture = (255 * train_part.images[number]).round().astype(np.uint8)
        shown.append(enlarged(picture, ENLARGED))
        captions.append(
            f"{train_part.digit[number]} · {ASKED[settings.related][int(related[number])]} · {place}"
        )
    return Panel(
        name="pictures",
        title="One picture, three questions",
        caption=(
            f"Which digit, known for {settings.labelled} pictures; the related question and where it stands, known "
            f"for {len(train_part.digit):,}."
        ),
        drawing=Pictures(pictures=tuple(shown), captions=tuple(captions)),
    )


def _similarity(cosines: dict[str, list[Floats]]) -> Panel:
    width = STEPS // BINS
    centres = [width * (place + 0.5) for place in range(BINS)]
    lines = tuple(
        mean_line(title, colour, centres, cosines[arm], dashed=dashed)
        for arm, (title, colour, dashed) in DRAWN.items()
    )
    return Panel(
        name="gradients",
        title="Do both tasks pull the trunk the same way?",
        caption=(
            "Cosine between the gradients of digits and of the second task, as they come at each step: above 0 they "
            f"pull together, below 0 against each other. Means of {width} steps, 95 % over seeds."
        ),
        drawing=Lines(x_title="Training step", y_title="Cosine of the gradients", lines=lines),
    )
