import math

import plotly.graph_objects as go
import pytest

from core.errors import SettingsError
from core.figures.learning_curves import (
    MOST_BATCHES,
    CurvePanel,
    LearningCurves,
    learning_curves,
    loss_ceiling,
)
from core.figures.template import FIRE, GREY


def run(done: int, epochs: int = 10) -> LearningCurves:
    return LearningCurves(
        epochs=epochs,
        train_accuracy=[0.5 + 0.04 * n for n in range(done)],
        validation_accuracy=[0.4 + 0.04 * n for n in range(done)],
        train_loss=[2.0 / (n + 1) for n in range(done)],
        validation_loss=[2.2 / (n + 1) for n in range(done)],
        batches=[((n + 1) / 20, 2.0 - n / 200) for n in range(20 * done)],
    )


def lines(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


def test_each_panel_shows_the_values_in_its_unit() -> None:
    accuracy = lines(learning_curves(run(3), panel="accuracy"))
    assert list(accuracy["Validation"].x) == [1, 2, 3]
    assert list(accuracy["Validation"].y) == pytest.approx([40, 44, 48])
    assert list(accuracy["Training"].y) == pytest.approx([50, 54, 58])
    loss = lines(learning_curves(run(3), panel="loss"))
    assert list(loss["Training"].y) == pytest.approx([2, 1, 2 / 3])
    assert list(loss["Validation"].y) == pytest.approx([2.2, 1.1, 2.2 / 3])
    assert list(loss["Batches"].x)[:2] == pytest.approx([0.05, 0.1])


@pytest.mark.parametrize("panel", ["accuracy", "loss"])
def test_nothing_jumps_while_a_run_goes_on(panel: CurvePanel) -> None:
    early, late = (learning_curves(run(done), panel=panel, classes=10).layout for done in (0, 9))
    for axis in ("xaxis", "yaxis"):
        assert early[axis].to_plotly_json() == late[axis].to_plotly_json()
    assert early.margin == late.margin
    assert early.title == late.title
    assert early.uirevision == late.uirevision == "learning curves"
    assert early.xaxis.range[1] >= 10


def test_the_loss_axis_starts_above_chance_and_only_grows() -> None:
    ceilings = [loss_ceiling([run(done)], 10) for done in range(10)]
    assert ceilings[0] >= math.log(10)
    assert ceilings == sorted(ceilings)
    bad = LearningCurves(epochs=3, train_loss=[7.3], validation_loss=[float("nan")])
    assert 7.3 < loss_ceiling([bad], 10) <= 10
    assert loss_ceiling([LearningCurves(epochs=3)], None) > 0
    spike = LearningCurves(epochs=3, batches=[(0.1, 90.0)])
    assert loss_ceiling([spike], 10) == loss_ceiling([LearningCurves(epochs=3)], 10)


def test_a_control_is_grey_and_lies_behind() -> None:
    figure = learning_curves(run(3), control=run(2), panel="accuracy")
    assert figure.data[0].name == "From scratch"
    assert figure.data[0].line.color == GREY
    assert figure.data[-1].line.color == FIRE
    assert "From scratch" in figure.layout.title.text


def test_the_axes_have_units_and_an_unknown_panel_is_refused() -> None:
    loss = learning_curves(run(3), panel="loss", classes=10)
    assert loss.layout.yaxis.title.text == "Loss (nats)"
    assert loss.layout.xaxis.title.text == "Epochs"
    assert learning_curves(run(3), panel="accuracy").layout.yaxis.title.text == "Accuracy (%)"
    with pytest.raises(SettingsError, match="panel"):
        learning_curves(run(1), panel="everything")  # type: ignore[arg-type]


def test_thousands_of_batches_become_few_points_that_stay_in_place() -> None:
    many = [(n / 100, math.sin(n)) for n in range(1, 5001)]

    def points(count: int) -> list[tuple[float, float]]:
        curves = LearningCurves(epochs=50, batches=many[:count])
        trace = lines(learning_curves(curves, panel="loss"))["Batches"]
        return list(zip(trace.x, trace.y, strict=True))

    assert MOST_BATCHES / 2 <= len(points(5000)) <= MOST_BATCHES
    assert points(4990)[:300] == points(5000)[:300]


def test_the_best_epoch_is_marked() -> None:
    figure = learning_curves(
        LearningCurves(epochs=5, validation_accuracy=[0.1] * 5, best_epoch=3), panel="accuracy"
    )
    assert figure.layout.shapes[-1].x0 == 3
    assert figure.layout.annotations[-1].text == "best epoch"
