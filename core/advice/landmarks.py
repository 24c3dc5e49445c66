"""Where a task's measures stand among the measured data sets: landmarks on every scale. Torch-free."""

from dataclasses import dataclass
from math import log
from typing import Literal

from core import errors
from core.advice import evidence
from core.advice.report import Measures, StageMeasures
from core.advice.tasks import TASKS
from core.metrics.report import Interval

TaskMeasure = Literal["neighbours", "logme", "h_score", "frechet", "probe"]


@dataclass(frozen=True, kw_only=True)
class MeasureText:
    """What a measure is called, and what its scale means. `fewer` and `more` say what lies beyond its ends."""

    title: str
    about: str  # one sentence
    axis: str  # the unit, in a few words
    fewer: str
    more: str


MEASURES: dict[TaskMeasure, MeasureText] = {
    "neighbours": MeasureText(
        title="Nearest neighbours",
        about="How often the pictures that the network finds most alike are of the same class.",
        axis="%, 0 = chance",
        fewer="Harder to tell apart than",
        more="Easier to tell apart than",
    ),
    "logme": MeasureText(
        title="LogME",
        about="How well a simple model on these features explains the classes, complexity deducted "
        "(You et al. 2021).",
        axis="nats, 0 = chance",
        fewer="Less is explained than for",
        more="More is explained than for",
    ),
    "h_score": MeasureText(
        title="H-score",
        about="How much of what varies in the features varies between the classes (Bao et al. 2019; "
        "Ibrahim et al. 2021).",
        axis="% of its most",
        fewer="Less separated than",
        more="More separated than",
    ),
    "frechet": MeasureText(
        title="Distance from source",
        about="How far the pictures lie from those the network learned from: Fréchet distance, in variances of those.",
        axis="0 = alike",
        fewer="Closer to what the network knows than",
        more="Farther from what the network knows than",
    ),
    "probe": MeasureText(
        title="Linear probe",
        about="How often a linear classifier on these features is right about pictures it has not seen.",
        axis="%, 0 = chance",
        fewer="Harder to tell apart than",
        more="Easier to tell apart than",
    ),
}
_SHARES = ("neighbours", "probe")  # accuracies, which depend on the number of classes


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """A measured data set on a scale."""

    task: str  # of `tasks.TASKS`
    per_class: int  # images of each class that it was measured with
    value: float

    @property
    def title(self) -> str:
        """What a person knows it by."""
        return TASKS[self.task].title


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One measure behind one stage: known data sets, from the smallest value to the largest."""

    measure: TaskMeasure
    stage: str
    landmarks: tuple[Landmark, ...]


def place(measures: Measures, stage: StageMeasures, measure: TaskMeasure) -> Interval | None:
    """Where a task stands on the scale of ``measure``, None where that was not measured.

    Accuracies become the share of the way from chance to perfect, so that two classes and ten compare: -∞ to 1.
    """
    errors.one_of("measure", measure, MEASURES)
    found: Interval | None = getattr(stage, measure)
    if found is None or measure not in _SHARES:
        return found
    rest = 1 - measures.chance

    def above(value: float) -> float:
        return (value - measures.chance) / rest

    return Interval(value=above(found.value), low=above(found.low), high=above(found.high))


def scale(
    backbone: str, stage: str, measure: TaskMeasure, *, per_class: int, without: str | None = None
) -> Scale:
    """Known data sets behind ``stage`` of ``backbone``, each with about ``per_class`` images of a class.

    Few images make every score look worse, so of several sizes the nearest counts. ``without`` leaves out the data
    set that is being compared. Empty for networks and measures that nobody measured; seeds are averaged.
    """
    known = evidence.load(backbone)
    nearest: dict[str, tuple[float, Landmark]] = {}
    for (task, _), seeds in (known.measures if known else {}).items():
        if task == without or task not in TASKS or not seeds:
            continue
        values = [
            one.value
            for measures in seeds
            for row in measures.stages
            if row.stage == stage and (one := place(measures, row, measure)) is not None
        ]
        apart = abs(log(seeds[0].per_class / per_class))
        if values and (task not in nearest or apart < nearest[task][0]):
            value = sum(values) / len(values)
            nearest[task] = (apart, Landmark(task=task, per_class=seeds[0].per_class, value=value))
    return Scale(
        measure=measure,
        stage=stage,
        landmarks=tuple(sorted((one for _, one in nearest.values()), key=lambda one: one.value)),
    )


def between(value: Interval, on: Scale) -> str:
    """Say where ``value`` stands among the landmarks, and how far that could be off; "" where there are none.

    "Between Aerial scenes and Textures", with "anywhere from … to …" where its interval holds two landmarks or more.
    """
    marks = on.landmarks
    if not marks:
        return ""
    lower = [one for one in marks if one.value < value.value]
    higher = [one for one in marks if one.value >= value.value]
    text = MEASURES[on.measure]
    if not lower:
        said = f"{text.fewer} all {len(marks)} measured data sets; the nearest is {higher[0].title}"
    elif not higher:
        said = f"{text.more} all {len(marks)} measured data sets; the nearest is {lower[-1].title}"
    else:
        said = f"Between {lower[-1].title} and {higher[0].title}"
    inside = [one for one in marks if value.low <= one.value <= value.high]
    if len(inside) > 2:
        said += f" (it could be anywhere from {inside[0].title} to {inside[-1].title})"
    return f"{said}."
