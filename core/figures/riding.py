"""How riders learn the motorcycle: survival against practice, and on it the names of what one sees."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.axes import axis
from core.figures.marks import GUIDE, band, line
from core.figures.riding_looks import COLOURS, dash, folded_key
from core.figures.riding_names import DRAWN_NAMES
from core.figures.template import WRONG, Theme, figure, ground
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import RiderCurve, RidingReport
from core.riding.experiment_report import band as interval_of

LEFT = -2.5  # updates: room for what is drawn at the start


def learning(
    report: RidingReport | None,
    arms: Sequence[str],
    *,
    terms: Collection[str] = (),
    forgetting: RidingReport | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw survival (%) against updates of practice: the mean over seeds, in its band, for each of ``arms``.

    ``report`` may be unfinished, or None: what is there is drawn, the axes stand. ``terms`` are names of
    `core.riding.named.TERMS` to draw on the curves, as far as the arms they speak of are there; ``forgetting`` is
    the report of the same practice, tested on the bicycle.
    """
    far = "asymptote" in terms or "forgetting" in terms
    end = UPDATES
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    if report is not None:
        shown = [report.curve(arm) for arm in arms]
        if far:
            end = max([UPDATES, *(curve.updates[-1] for curve in shown)])
        if "negative_transfer" in terms and {"scratch", "reversed"} <= set(arms):
            traces.append(_between(report.curve("scratch"), report.curve("reversed"), end))
        for curve in shown:
            traces += _curve(curve, end, ARMS[curve.arm].title, dash(curve.arm)[0])
        if "forgetting" in terms and forgetting is not None:
            again = forgetting.curve("bicycle")
            traces += _curve(again, end, f"{ARMS[again.arm].title}, on the bicycle again", "dot")
        for term in terms:
            drawn, said = DRAWN_NAMES[term](report, arms, forgetting, ground(theme), theme)
            traces += drawn
            notes += said
    title, lines = folded_key(*((ARMS[arm].short, COLOURS[ARMS[arm].colour], dash(arm)[1]) for arm in arms))
    return figure(
        traces,
        theme,
        height=500,
        margin={"l": 8, "r": 14, "t": 24 + 21 * lines, "b": 8},
        title=title,
        xaxis=axis(
            "Practice on the motorcycle (updates)",
            range=[LEFT * end / UPDATES, end],
            tick0=0,
            dtick=50 if far else 20,
            showgrid=False,
        ),
        yaxis=axis(
            "Test rides still upright after 6 s",
            told="Test rides still upright after 6 s (%)",
            range=[-2, 103],
            tickvals=[0, 25, 50, 75, 100],
            ticktext=["0", "25", "50", "75", "100 %"],
        ),
        annotations=notes,
    )


def _curve(curve: RiderCurve, end: int, name: str, look: str) -> list[dict[str, Any]]:
    colour = COLOURS[ARMS[curve.arm].colour]
    inside = np.array(curve.updates) <= end
    updates = np.array(curve.updates)[inside].tolist()
    mean, low, high = ((100 * share[inside]).tolist() for share in interval_of(curve.survival))
    return [
        band(updates, low, high, colour),
        line(
            updates,
            mean,
            colour,
            width=4,
            dash=look,
            dots=9,
            mode="lines" if len(updates) > 1 else "markers",
            name=name,
            customdata=[list(ends) for ends in zip(low, high, strict=True)],
            hover="%{fullData.name}<br>after %{x} updates: <b>%{y:.0f} %</b> "
            "[%{customdata[0]:.0f}, %{customdata[1]:.0f}]",
        ),
    ]


def _between(scratch: RiderCurve, other: RiderCurve, end: int) -> dict[str, Any]:
    """Fill where ``other`` is worse than scratch."""
    count = min(len(scratch.updates), len(other.updates))
    count = sum(update <= end for update in scratch.updates[:count])
    above = 100 * scratch.survival.mean(axis=0)[:count]
    below = np.minimum(100 * other.survival.mean(axis=0)[:count], above)
    return band(scratch.updates[:count], below.tolist(), above.tolist(), WRONG, opacity=0.3, meta=GUIDE)
