"""The picture bridge: what is said and drawn is what was measured."""

from pathlib import Path

import numpy as np
import pytest

from core.figures.picture_bridge import few_shot
from core.figures.template import FIRE, GREY, ICE, WRONG
from core.riding import picture_bridge
from core.riding.picture_bridge import ARMS, COUNTS, MeasuredPictures


def _measured() -> MeasuredPictures:
    """Two seeds that differ by 2 points everywhere; bicycles are 10 points ahead of scratch, always."""
    level = {"scratch": 0.5, "bicycle": 0.6, "reversed": 0.4, "built_in": 0.7, "built_in_bicycle": 0.8}
    accuracy = {
        arm: np.array([[level[arm]] * len(COUNTS), [level[arm] + 0.02] * len(COUNTS)]) for arm in ARMS
    }
    return MeasuredPictures(
        accuracy=accuracy, sources={"bicycle": np.array([0.8, 0.9])}, provenance={"test_pictures": 200}
    )


def test_differences_are_paired_by_seed() -> None:
    """The seeds' own ups and downs cancel: a constant lead has an interval without width."""
    lead = picture_bridge.gained(_measured(), "bicycle", "scratch", 20)
    assert (lead.low, lead.value, lead.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_lessons_quote_the_figures() -> None:
    said = "\n".join(picture_bridge.lessons(_measured()))
    assert "right in 61 % of the pictures; one that knows nothing in 51 %" in said
    assert "leads by 10.0 to 10.0 points; the 95 % interval of the lead excludes zero at every one" in said
    assert "below chance, at 41 %" in said
    assert "no certain change" in said


def test_the_table_holds_every_accuracy_and_the_paired_lead() -> None:
    rows = picture_bridge.table(_measured()).splitlines()
    assert len(rows) == 2 + len(ARMS) + 1
    assert rows[2].startswith(
        "| From scratch | 51 [38, 64] |"
    )  # 0.50 and 0.52: t = 12.7 on 1 degree of freedom
    assert rows[-1].count("+10.0 [10.0, 10.0]") == len(COUNTS)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    given, path = _measured(), tmp_path / "measured" / "pictures.json"
    picture_bridge.write(
        {arm: rows.tolist() for arm, rows in given.accuracy.items()},
        sources={name: row.tolist() for name, row in given.sources.items()},
        provenance=given.provenance,
        path=path,
    )
    again = picture_bridge.measured(path)
    assert again is not None
    assert again.provenance == given.provenance
    assert all(np.allclose(again.accuracy[arm], given.accuracy[arm]) for arm in ARMS)
    assert picture_bridge.measured(tmp_path / "none.json") is None


def test_the_chart_draws_means_in_the_colour_of_their_role() -> None:
    figure = few_shot(_measured().accuracy, ARMS, COUNTS).to_plotly_json()
    lines = {trace["name"]: trace for trace in figure["data"] if "interval" not in trace["name"]}
    assert [lines[arm.title]["line"]["color"] for arm in ARMS.values()] == [GREY, FIRE, WRONG, ICE, FIRE]
    assert np.allclose(lines["From bicycles"]["y"], 61)
    assert list(figure["layout"]["xaxis"]["ticktext"]) == [str(count) for count in COUNTS]


def test_what_ships_is_complete() -> None:
    shipped = picture_bridge.measured()
    assert shipped is not None
    assert all(rows.shape == (5, len(COUNTS)) for rows in shipped.accuracy.values())
    assert all(((rows >= 0) & (rows <= 1)).all() for rows in shipped.accuracy.values())
    # The reversed network answers the other way round before it has seen a motorcycle.
    assert np.allclose(shipped.accuracy["reversed"][:, 0], 1 - shipped.accuracy["bicycle"][:, 0])
