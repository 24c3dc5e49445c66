"""How riders learn the motorcycle: survival against practice, and on it the names of what one sees."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.axes import axis
from core.figures.marks import GUIDE, band
from core.figures.riding_looks import COLOURS, dash, folded_key, survival_curve, upright_axis
from core.figures.riding_names import DRAWN_NAMES
from core.figures.template import WRONG, Theme, figure
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import RiderCurve, RidingReport

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
    if report is not None and far:
        end = max([UPDATES, *(report.curve(arm).updates[-1] for arm in arms)])
    traces, notes = (
        ([], []) if report is None else _drawn(report, arms, terms, forgetting, end=end, theme=theme)
    )
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
        yaxis=upright_axis("Test rides still upright after 6 s", [0, 25, 50, 75, 100], (-2, 103)),
        annotations=notes,
    )


def _drawn(
    report: RidingReport,
    arms: Sequence[str],
    terms: Collection[str],
    forgetting: RidingReport | None,
    *,
    end: int,
    theme: Theme,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw the curves up to ``end``, and over them what ``terms`` name; give traces and notes."""
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    if "negative_transfer" in terms and {"scratch", "reversed"} <= set(arms):
        traces.append(_between(report.curve("scratch"), report.curve("reversed"), end))
    for arm in arms:
        traces += _curve(report.curve(arm), end, ARMS[arm].title, dash(arm)[0])
    if "forgetting" in terms and forgetting is not None:
        again = forgetting.curve("bicycle")
        traces += _curve(again, end, f"{ARMS[again.arm].title}, on the bicycle again", "dot")
    for term in terms:
        drawn, said = DRAWN_NAMES[term](report, arms, forgetting, theme)
        traces += drawn
        notes += said
    return traces, notes


def _curve(curve: RiderCurve, end: int, name: str, look: str) -> list[dict[str, Any]]:
    inside = np.array(curve.updates) <= end
    updates = np.array(curve.updates)[inside].tolist()
    return survival_curve(
        updates,
        curve.survival[:, inside],
        COLOURS[ARMS[curve.arm].colour],
        dash=look,
        dots=9,
        mode="lines" if len(updates) > 1 else "markers",
        name=name,
        hover="%{fullData.name}<br>after %{x} updates: ",
    )


def _between(scratch: RiderCurve, other: RiderCurve, end: int) -> dict[str, Any]:
    """Fill where ``other`` is worse than scratch."""
    count = min(len(scratch.updates), len(other.updates))
    count = sum(update <= end for update in scratch.updates[:count])
    above = 100 * scratch.survival.mean(axis=0)[:count]
    below = np.minimum(100 * other.survival.mean(axis=0)[:count], above)
    return band(scratch.updates[:count], below.tolist(), above.tolist(), WRONG, opacity=0.3, meta=GUIDE)
