import dataclasses

import pytest

from core.advice import evidence, landmarks
from core.advice.evidence import Evidence
from core.advice.landmarks import Landmark, Scale
from core.advice.report import Measures, StageMeasures
from core.errors import SettingsError
from core.metrics.report import Interval

MARKS = Scale(
    measure="neighbours",
    stage="layer4",
    landmarks=tuple(
        Landmark(task=task, per_class=20, value=value)
        for task, value in (("textures", 0.3), ("satellite", 0.5), ("hymenoptera", 0.7))
    ),
)


def interval(value: float, half: float = 0.01) -> Interval:
    return Interval(value=value, low=value - half, high=value + half)


def measures(accuracy: float, *, chance: float = 0.5, per_class: int = 20) -> Measures:
    stage = StageMeasures(
        stage="layer4",
        frechet=None,
        neighbours=interval(accuracy),
        logme=interval(0.2),
        h_score=interval(0.4),
    )
    return Measures(
        backbone="tiny_resnet18",
        stages=(stage,),
        images=40,
        classes=2,
        per_class=per_class,
        chance=chance,
        seconds={},
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Evidence(
        backbone="tiny_resnet18",
        stages=("layer4",),
        image_size=64,
        made={},
        cells=(),
        measures={
            ("satellite", 20): (measures(0.8), measures(0.9)),
            ("satellite", None): (measures(0.99, per_class=100),),
            ("hymenoptera", 5): (measures(0.6, per_class=5),),
        },
        pace={},
    )
    monkeypatch.setattr(evidence, "load", lambda name: made if name == "tiny_resnet18" else None)


def test_accuracies_are_placed_by_what_they_gain_on_chance() -> None:
    one = measures(0.75)
    found = landmarks.place(one, one.stages[0], "neighbours")
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.48, 0.52))
    ten = measures(0.75, chance=0.1)
    assert landmarks.place(ten, ten.stages[0], "neighbours").value == pytest.approx(0.65 / 0.9)  # type: ignore[union-attr]
    assert landmarks.place(one, one.stages[0], "logme") == interval(0.2)
    assert landmarks.place(one, one.stages[0], "frechet") is None
    with pytest.raises(SettingsError, match="measure must be one of"):
        landmarks.place(one, one.stages[0], "luck")  # type: ignore[arg-type]


@pytest.mark.usefixtures("known")
def test_a_scale_takes_the_size_that_is_nearest() -> None:
    found = landmarks.scale("tiny_resnet18", "layer4", "neighbours", per_class=25)
    assert [(one.task, one.per_class) for one in found.landmarks] == [("hymenoptera", 5), ("satellite", 20)]
    assert [one.value for one in found.landmarks] == pytest.approx([0.2, 0.7])  # seeds .6 and .8, averaged
    many = landmarks.scale("tiny_resnet18", "layer4", "neighbours", per_class=1000)
    assert many.landmarks[-1].value == pytest.approx(0.98)


@pytest.mark.usefixtures("known")
def test_a_scale_leaves_out_what_is_compared_and_what_nobody_measured() -> None:
    found = landmarks.scale("tiny_resnet18", "layer4", "neighbours", per_class=20, without="satellite")
    assert [one.task for one in found.landmarks] == ["hymenoptera"]
    assert landmarks.scale("tiny_resnet18", "layer4", "frechet", per_class=20).landmarks == ()
    assert landmarks.scale("vgg16", "layer4", "neighbours", per_class=20).landmarks == ()


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (0.6, 0.05, "Between Aerial scenes and Ants and bees."),
        (0.1, 0.05, "Harder to tell apart than all 3 measured data sets; the nearest is Textures."),
        (0.9, 0.05, "Easier to tell apart than all 3 measured data sets; the nearest is Ants and bees."),
        (
            0.5,
            0.3,
            "Between Textures and Aerial scenes (it could be anywhere from Textures to Ants and bees).",
        ),
    ],
)
def test_where_a_value_stands(value: float, half: float, said: str) -> None:
    assert landmarks.between(interval(value, half), MARKS) == said


def test_nothing_is_said_without_landmarks() -> None:
    assert landmarks.between(interval(0.5), dataclasses.replace(MARKS, landmarks=())) == ""


def test_every_measure_is_explained() -> None:
    names = {field.name for field in dataclasses.fields(StageMeasures)} - {"stage"}
    assert set(landmarks.MEASURES) == names
