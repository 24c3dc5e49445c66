"""Sine waves learned step by step from a few points, by networks prepared in four ways; then new digits."""

from collections.abc import Iterator

import numpy as np

from core.events import Event, Note, Progress
from core.techniques.events import Colour, Line, Lines, Panel, Score
from core.techniques.meta_learning import new_digits
from core.techniques.meta_learning.entry import TECHNIQUE, MetaLearningSettings
from core.techniques.meta_learning.learners import (
    TESTED_ON,
    Course,
    best_rate,
    course,
    errors_after,
    gradient_of,
    learn,
)
from core.techniques.meta_learning.maml import adapt
from core.techniques.meta_learning.network import Weights, predict
from core.techniques.meta_learning.sines import Waves, everywhere
from core.techniques.panels import mean_line
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed, within

STEPS = (0, 1, 2, 5, 10)
SIDE_BY_SIDE = 5  # seeds
TITLES = {"maml": "MAML", "reptile": "Reptile", "pretrained": "Pretrained on all waves", "random": "Random"}
# Share of the whole time that each part takes, as measured; new digits take the rest.
SHARES = {"random": 0.02, "pretrained": 0.12, "reptile": 0.4, "maml": 0.36}
WAVES_DONE = sum(SHARES.values())

# Finn et al. 2017, appendix, table 2: five points, after 1 and 5 steps, 70,000 rounds.
PUBLISHED = {"MAML": (0.67, 0.38), "pretraining on all tasks": (2.41, 2.23)}

DigitAccuracies = dict[str, list[list[float]]]  # embedding -> seeds -> accuracy for each number of examples


def run(settings: MetaLearningSettings) -> Iterator[Event]:
    """Scores come arm by arm, several seeds at a time, since seeds learn side by side."""
    yield Progress(done=0.0, phase="Drawing waves")
    report = Report(technique=TECHNIQUE)
    every = tuple(settings.every_seed)
    groups = [every[start : start + SIDE_BY_SIDE] for start in range(0, len(every), SIDE_BY_SIDE)]
    for number, seeds in enumerate(groups):
        named = f"Seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"Seed {seeds[0]}"
        learning = _side_by_side(settings, seeds)
        begin, end = (WAVES_DONE * place / len(groups) for place in (number, number + 1))
        for event in within(begin, end, learning, f"{named}: "):
            report.take(event)
            yield event
    digits: DigitAccuracies = {name: [] for name in new_digits.EMBEDDINGS}

    def one_seed(seed: int) -> Events:
        yield Progress(done=0.0, phase="new digits by a few examples")
        for name, accuracies in new_digits.accuracies(seed).items():
            digits[name].append(accuracies)

    yield from each_seed(settings, one_seed, begin=WAVES_DONE)
    yield _digits_panel(digits)
    yield from _remarks(settings, report, digits)


def _side_by_side(settings: MetaLearningSettings, seeds: tuple[int, ...]) -> Events:
    courses = [course(seed, settings.shots, settings.rounds, settings.variety) for seed in seeds]
    learned: dict[str, list[Weights]] = {"random": [own.weights for own in courses]}
    rates: dict[tuple[str, int], float] = {}
    passed = 0.0
    for arm in ("random", "pretrained", "reptile", "maml"):
        if arm != "random":
            for done, weights in learn(courses, gradient_of(arm, settings.shots, settings.inner_steps)):
                yield Progress(done=(passed + done * SHARES[arm]) / WAVES_DONE, phase=TITLES[arm])
                learned[arm] = weights
        passed += SHARES[arm]
        for seed, own, prepared in zip(seeds, courses, learned[arm], strict=True):
            rates[arm, seed] = rate = best_rate(prepared, own, STEPS)
            errors = errors_after(prepared, own.tested_on, own.tested_x, rate, STEPS)
            for steps, error in zip(STEPS, errors, strict=True):
                yield Score(arm=arm, seed=seed, value=error, x=steps)
    if seeds[0] == settings.first_seed:
        first = {arm: (weights[0], rates[arm, seeds[0]]) for arm, weights in learned.items()}
        yield _one_wave(courses[0], first)


def _one_wave(own: Course, learned: dict[str, tuple[Weights, float]]) -> Panel:
    """Draw the first seed's wave whose height is nearest the middle, before and after learning."""
    number = int((own.tested_on.amplitude.flatten() - 2.5).abs().argmin())
    wave = Waves(amplitude=own.tested_on.amplitude[number], phase=own.tested_on.phase[number])
    points = own.tested_x[number]
    grid = everywhere()
    x = grid.flatten().tolist()

    def after(arm: str, steps: int) -> list[float]:
        weights, rate = learned[arm]
        adapted = adapt(weights, points, wave.at(points), rate, steps)
        heights: list[float] = predict(adapted, grid).flatten().tolist()
        return heights

    places = ", ".join(f"{place:.1f}" for place in sorted(points.flatten().tolist())).replace("-", "−")
    return Panel(
        name="wave",
        title="One new wave, learned step by step",
        caption=f"The network was told the wave's height at x = {places}, and nothing else.",
        drawing=Lines(
            x_title="x",
            y_title="y",
            lines=(
                Line(name="The wave", colour="ice", x=x, y=wave.at(grid).flatten().tolist()),
                Line(name="MAML, before", colour="fire", x=x, y=after("maml", 0), dashed=True),
                Line(name="MAML, 1 step", colour="gold", x=x, y=after("maml", 1)),
                Line(name="MAML, 10 steps", colour="fire", x=x, y=after("maml", 10)),
                Line(name="Pretrained, 10 steps", colour="grey", x=x, y=after("pretrained", 10)),
            ),
        ),
    )


def _digits_panel(digits: DigitAccuracies) -> Panel:
    names: dict[str, tuple[str, Colour, bool]] = {
        "prototypes": ("Prototypical network", "fire", False),
        "classifier": ("Plain classifier's features", "grey", False),
        "pixels": ("Pixels", "ice", False),
        "random": ("Random weights", "grey", True),
    }
    lines = tuple(
        mean_line(title, colour, new_digits.SHOTS, digits[name], share=True, dashed=dashed)
        for name, (title, colour, dashed) in names.items()
    )
    return Panel(
        name="digits",
        title="Four digits it was never shown, by a few examples each",
        caption=(
            "Prototypical networks (Snell et al. 2017) learn an embedding in which the mean of a few examples stands "
            "for a digit. Trained on six digits, tested on the other four; each picture gets the nearest mean."
        ),
        drawing=Lines(
            x_title="Examples of each new digit",
            y_title="Accuracy on new digits",
            lines=lines,
            share=True,
            logarithmic_x=True,
        ),
    )


def _remarks(settings: MetaLearningSettings, report: Report, digits: DigitAccuracies) -> Iterator[Note]:
    def mean(arm: str, steps: int) -> float:
        return float(np.mean(list(report.values(arm, x=steps).values())))

    (maml_1, maml_5), (plain_1, plain_5) = PUBLISHED.values()
    yield Note(
        message=(
            f"Here, with {settings.shots} points and {settings.rounds:,} rounds: MAML {mean('maml', 1):.2f} after "
            f"1 step and {mean('maml', 5):.2f} after 5, pretrained {mean('pretrained', 1):.2f} and "
            f"{mean('pretrained', 5):.2f}. In the paper, with 5 points and 70,000 rounds: MAML {maml_1} and {maml_5}, "
            f"pretrained {plain_1} and {plain_5} (Finn et al. 2017, table 2)."
        )
    )
    examples = new_digits.SHOTS[-2]
    by_prototypes, by_pixels = (
        100 * np.mean([accuracies[-2] for accuracies in digits[name]]) for name in ("prototypes", "pixels")
    )
    yield Note(
        message=(
            f"New digits, {examples} examples of each: prototypes in the embedding learned on six digits name "
            f"{by_prototypes:.1f} %, prototypes of plain pixels {by_pixels:.1f} %."
        )
    )
    yield Note(
        message=f"Every error is the mean over {TESTED_ON} waves that neither training nor the choice of step size saw."
    )
