import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.confusion import confusion_matrix

NAMES = ("ant", "bee", "cat")
COUNTS = ((8, 2, 0), (1, 3, 0), (0, 0, 5))


def traces(figure: go.Figure) -> tuple[list[go.Heatmap], list[go.Scatter], go.Scatter]:
    heat = [trace for trace in figure.data if trace.type == "heatmap"]
    scatters = [trace for trace in figure.data if trace.type == "scatter"]
    text = [trace for trace in scatters if trace.mode == "text"]
    (cells,) = (trace for trace in scatters if trace.mode == "markers")
    return heat, text, cells


def test_right_and_wrong_are_shares_of_the_true_class() -> None:
    (wrong, right), _, _ = traces(confusion_matrix(COUNTS, NAMES))
    assert np.array_equal(np.diag(right.z), [0.8, 0.75, 1])
    assert np.isnan(right.z).sum() == 6
    assert wrong.z[0][1] == pytest.approx(0.2)
    assert wrong.z[1][0] == pytest.approx(0.25)
    assert np.isnan(wrong.z).sum() == 7


def test_every_cell_of_a_small_matrix_answers_a_click_with_true_and_predicted() -> None:
    heat, text, cells = traces(confusion_matrix(COUNTS, NAMES))
    # Heatmaps and numbers must not stand between the mouse and the markers.
    assert {trace.hoverinfo for trace in (*heat, *text)} == {"skip"}
    assert cells.marker.opacity == cells.selected.marker.opacity == cells.unselected.marker.opacity == 0
    assert cells.hoverinfo is None
    assert list(cells.customdata) == [[t, p] for t in range(3) for p in range(3)]
    for x, y, (true, predicted) in zip(cells.x, cells.y, cells.customdata, strict=True):
        assert (x, y) == (predicted, true)
    assert cells.hovertext[1] == "<b>2</b> of 10 (20 %)<br>ant, taken for bee"
    assert cells.hovertext[0] == "<b>8</b> of 10 (80 %)<br>ant, recognised"


def test_counts_stand_in_the_cells_that_have_any() -> None:
    _, text, _ = traces(confusion_matrix(COUNTS, NAMES))
    found = {
        (y, x): number for trace in text for x, y, number in zip(trace.x, trace.y, trace.text, strict=True)
    }
    assert found == {(0, 0): "8", (0, 1): "2", (1, 0): "1", (1, 1): "3", (2, 2): "5"}


def test_the_first_class_is_on_top_and_axes_are_named() -> None:
    layout = confusion_matrix(COUNTS, NAMES).layout
    assert list(layout.yaxis.range) == [2.5, -0.5]
    assert list(layout.xaxis.ticktext) == list(NAMES)
    assert layout.xaxis.tickangle == 0
    long = confusion_matrix(COUNTS, ("a long class name", "another long one", "cat")).layout
    assert long.xaxis.tickangle == -60  # side by side they would run into each other on a phone
    assert layout.xaxis.title.text == "Predicted class"
    assert layout.yaxis.title.text == "True class"


def test_two_hundred_classes_draw_no_text_and_only_cells_with_images() -> None:
    counts = np.diag(np.full(200, 40))
    counts[3, 7] = 10
    figure = confusion_matrix(counts, tuple(f"class {n}" for n in range(200)))
    (wrong, _), text, cells = traces(figure)
    assert text == []
    assert len(cells.x) == 201
    assert [3, 7] in list(cells.customdata)
    assert wrong.zmax == pytest.approx(0.2)  # a scale of its own: the one mistake is plain to see
    assert list(figure.layout.xaxis.tickvals) == []
    assert "200" in figure.layout.xaxis.title.text


def test_a_class_without_images_and_a_perfect_network_draw() -> None:
    go.Figure(confusion_matrix(((3, 0), (0, 0)), ("a", "b")).to_dict())
    go.Figure(confusion_matrix(np.diag(np.full(50, 2)), tuple(map(str, range(50)))).to_dict())


def test_names_of_other_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 class names"):
        confusion_matrix(COUNTS, ("a", "b"))
