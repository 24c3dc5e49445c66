"""A small world of measured tasks, made by hand: early stages matter for aerial pictures, none for photographs."""

import pytest

from core.advice import advisor, evidence, forecast, judge
from core.advice.evidence import Cell, Evidence
from core.advice.report import Measures, StageMeasures
from core.metrics.report import Interval

STAGES = ("stem", "layer1", "layer2", "layer3", "layer4")
LIKE_PHOTOS = (0.76, 0.76, 0.77, 0.79, 0.82, 0.80)  # accuracy by depth: training early stages hurts
UNLIKE_PHOTOS = (0.80, 0.80, 0.80, 0.72, 0.66, 0.60)  # late stages have to move
TABLE = {
    "hymenoptera": LIKE_PHOTOS,
    "cats-dogs": LIKE_PHOTOS,
    "pacs-photo": LIKE_PHOTOS,
    "satellite": UNLIKE_PHOTOS,
    "steel-defects": UNLIKE_PHOTOS,
    "chest-xray": UNLIKE_PHOTOS,
}


def interval(value: float) -> Interval:
    return Interval(value=value, low=value - 0.05, high=value + 0.05)


def measures_like(accuracies: tuple[float, ...], *, classes: int = 2, per_class: int = 20) -> Measures:
    """k-NN votes that fall where freezing hurts, and a Fréchet distance that grows there."""
    return Measures(
        backbone="tiny_resnet18",
        stages=tuple(
            StageMeasures(
                stage=stage,
                frechet=interval(0.2 + 2 * (0.82 - accuracies[place + 1])),
                neighbours=interval(accuracies[place + 1] - 0.1),
                logme=interval(0.1),
                h_score=interval(0.5),
                probe=interval(accuracies[place + 1] - 0.05),
            )
            for place, stage in enumerate(STAGES)
        ),
        images=per_class * classes,
        classes=classes,
        per_class=per_class,
        chance=1 / classes,
        seconds={"features": 0.04},
    )


def cell(task: str, accuracies: tuple[float, ...], per_class: int = 20) -> Cell:
    wobble = (-0.01, 0.0, 0.01)
    return Cell(
        task=task,
        per_class=per_class,
        images=2 * per_class,
        classes=2,
        chance=0.5,
        test_images=200,
        epochs=10,
        accuracy={f"k{depth}": tuple(value + w for w in wobble) for depth, value in enumerate(accuracies)},
        seconds={f"k{depth}": 6.0 - depth for depth in range(6)},
    )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """Put the hand-made evidence in the place of what ships."""
    made = Evidence(
        backbone="tiny_resnet18",
        stages=STAGES,
        image_size=64,
        made={},
        cells=tuple(cell(task, values) for task, values in TABLE.items()),
        measures={(task, 20): (measures_like(values),) * 3 for task, values in TABLE.items()},
        pace={f"k{depth}": 4.0 - 0.8 * depth for depth in range(6)},
    )
    monkeypatch.setattr(evidence, "load", lambda backbone: made if backbone == "tiny_resnet18" else None)
    monkeypatch.setattr(evidence, "measured_networks", lambda: ("tiny_resnet18",))
    for cached in (forecast.typical, judge.record, advisor.strategy_of):
        cached.cache_clear()
    yield made
    for cached in (forecast.typical, judge.record):
        cached.cache_clear()
