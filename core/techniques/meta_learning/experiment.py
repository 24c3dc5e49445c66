"""Sine waves learned step by step from a few points, by networks prepared in four ways; then new digits."""

from collections.abc import Iterator

import numpy as np

from core.events import Event, Note, Progress
from core.metrics.classification import mean_interval
from core.techniques.events import Colour, Line, Lines, Panel, Score
from core.techniques.meta_learning import new_digits
from core.techniques.meta_learning.entry import MetaLearningSettings
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

STEPS = (0, 1, 2, 5, 10)
SIDE_BY_SIDE = 5  # seeds
TITLES = {"maml": "MAML", "reptile": "Reptile", "pretrained": "Pretrained on all waves", "random": "Random"}
COLOURS = {"maml": "fire", "reptile": "gold", "pretrained": "grey", "random": "grey"}
# Share of the whole time that each part takes, as measured.
SHARES = {"random": 0.02, "pretrained": 0.12, "reptile": 0.4, "maml": 0.36, "digits": 0.1}

# Finn et al. 2017, appendix, table 2: five points, after 1 and 5 steps, 70,000 rounds.
PUBLISHED = {"MAML": (0.67, 0.38), "pretraining on all tasks": (2.41, 2.23)}

Found = dict[str, dict[int, list[float]]]  # arm -> seed -> error after each of STEPS
Digits = dict[str, list[list[float]]]  # embedding -> seeds -> accuracy for each number of examples


def run(settings: MetaLearningSettings) -> Iterator[Event]:
    """Scores come arm by arm, several seeds at a time, since seeds learn side by side."""
    yield Progress(done=0.0, phase="Drawing waves")
    found: Found = {arm: {} for arm in TITLES}
    every = tuple(settings.every_seed)
    groups = [every[start : start + SIDE_BY_SIDE] for start in range(0, len(every), SIDE_BY_SIDE)]
    for number, seeds in enumerate(groups):
        yield from _group(settings, seeds, found, number / len(groups), 1 / len(groups))
    digits: Digits = {name: [] for name in new_digits.EMBEDDINGS}
    yield from _new_digits(settings, digits)
    yield from _remarks(settings, found, digits)
    yield Progress(done=1.0, phase="Done")


def _group(
    settings: MetaLearningSettings, seeds: tuple[int, ...], found: Found, begun: float, share: float
) -> Iterator[Event]:
    courses = [course(seed, settings.shots, settings.rounds, settings.variety) for seed in seeds]
    learned: dict[str, list[Weights]] = {"random": [one.weights for one in courses]}
    named = f"Seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"Seed {seeds[0]}"
    rates: dict[tuple[str, int], float] = {}
    passed = 0.0
    for arm in ("random", "pretrained", "reptile", "maml"):
        if arm != "random":
            for done, weights in learn(courses, gradient_of(arm, settings.shots, settings.inner_steps)):
                yield Progress(
                    done=begun + share * (passed + done * SHARES[arm]), phase=f"{named}: {TITLES[arm]}"
                )
                learned[arm] = weights
        passed += SHARES[arm]
        for seed, one, own in zip(seeds, courses, learned[arm], strict=True):
            rates[arm, seed] = rate = best_rate(own, one, STEPS)
            errors = errors_after(own, one.tested_on, one.tested_x, rate, STEPS)
            found[arm][seed] = errors
            for steps, error in zip(STEPS, errors, strict=True):
                yield Score(arm=arm, seed=seed, value=error, x=steps)
    if begun == 0.0:
        first = {arm: (weights[0], rates[arm, seeds[0]]) for arm, weights in learned.items()}
        yield _one_wave(courses[0], first)


def _one_wave(one: Course, learned: dict[str, tuple[Weights, float]]) -> Panel:
    """Draw the first seed's wave whose height is nearest the middle, before and after learning."""
    number = int((one.tested_on.amplitude.flatten() - 2.5).abs().argmin())
    wave = Waves(amplitude=one.tested_on.amplitude[number], phase=one.tested_on.phase[number])
    points = one.tested_x[number]
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


def _new_digits(settings: MetaLearningSettings, found: Digits) -> Iterator[Event]:
    names: dict[str, tuple[str, Colour, bool]] = {
        "prototypes": ("Prototypical network", "fire", False),
        "classifier": ("Plain classifier's features", "grey", False),
        "pixels": ("Pixels", "ice", False),
        "random": ("Random weights", "grey", True),
    }
    for number, seed in enumerate(settings.every_seed):
        done = 1 - SHARES["digits"] * (1 - number / settings.seeds)
        yield Progress(done=done, phase=f"Seed {seed}: new digits by a few examples")
        for name, accuracies in new_digits.accuracies(seed).items():
            found[name].append(accuracies)
    lines = []
    for name, (title, colour, dashed) in names.items():
        intervals = [mean_interval(list(column)) for column in zip(*found[name], strict=True)]
        lines.append(
            Line(
                name=title,
                colour=colour,
                dashed=dashed,
                x=list(new_digits.SHOTS),
                y=[one.value for one in intervals],
                low=[max(0.0, one.low) for one in intervals],
                high=[min(1.0, one.high) for one in intervals],
            )
        )
    yield Panel(
        name="digits",
        title="Four digits it was never shown, by a few examples each",
        caption=(
            "Prototypical networks (Snell et al. 2017) learn an embedding in which the mean of a few examples stands "
            "for a digit. Trained on six digits, tested on the other four; each picture gets the nearest mean."
        ),
        drawing=Lines(
            x_title="Examples of each new digit",
            y_title="Accuracy on new digits",
            lines=tuple(lines),
            share=True,
            logarithmic_x=True,
        ),
    )


def _remarks(settings: MetaLearningSettings, found: Found, digits: Digits) -> Iterator[Event]:
    def mean(arm: str, steps: int) -> float:
        return float(np.mean([errors[STEPS.index(steps)] for errors in found[arm].values()]))

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
        100 * np.mean([one[-2] for one in digits[name]]) for name in ("prototypes", "pixels")
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
