"""How far each stage moved from where it started: in its weights, and in what it sees."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import axis, named_axis
from core.figures.marks import bars, points, whisker
from core.figures.says import three_digits
from core.figures.template import FIRE, ICE, SMALL, Theme, figure, ground, key, label
from core.freezing.report import StageAudit
from core.metrics.report import Interval

_KINDS = (("Frozen", True), ("Trained", False))


def drift(audit: Sequence[StageAudit], *, theme: Theme = "light") -> go.Figure:
    """Draw one row a stage, the input on top: relative weight change (%), and linear CKA of its features (0-1).

    Ice blue stages were frozen, fire orange ones trained. A stage whose CKA was not measured has no dot.
    """
    on = ground(theme)
    most = max([*(100 * stage.relative_change for stage in audit), 1e-9])
    shown = {stage.frozen for stage in audit}
    names = [stage.stage for stage in audit]
    return figure(
        [_change(audit, on.ink), _similarity(audit, on.grid)],
        theme,
        says=_says(audit),
        height=120 + 44 * max(len(audit), 3),
        bargap=0.35,
        margin={"t": 44, "r": 20},
        title=key(*((name, _colour(frozen), "bar") for name, frozen in _KINDS if frozen in shown)),
        xaxis=axis("Change (%)", range=[0, 1.45 * most], nticks=3, domain=[0, 0.46]),
        xaxis2=axis("CKA", range=[0, 1], dtick=0.5, domain=[0.54, 1], anchor="y"),
        yaxis=named_axis(names, longest=18, down=True, ink=on.ink, told="Stage"),
    )


def _colour(frozen: bool) -> str:
    return ICE if frozen else FIRE


def _change(audit: Sequence[StageAudit], ink: str) -> dict[str, Any]:
    change = [100 * stage.relative_change for stage in audit]
    colours = [_colour(stage.frozen) for stage in audit]
    return bars(
        change,
        list(range(len(audit))),
        colours,
        # The outline keeps a stage that did not move visible, in its colour.
        rim={"color": colours, "width": 3},
        meta={"also": [None, "Frozen or trained"]},
        orientation="h",
        text=[_percent(value) for value in change],
        textposition="outside",
        textfont={"size": SMALL, "color": ink},
        cliponaxis=False,
        customdata=[[label(stage.stage, 18), "frozen" if stage.frozen else "trained"] for stage in audit],
        hover="%{customdata[0]}, %{customdata[1]}<br>moved by %{x:.3g} % of its length",
    )


def _similarity(audit: Sequence[StageAudit], grid: str) -> dict[str, Any]:
    """Draw a dot on a stem for each stage whose CKA is known."""
    known = [(row, stage, stage.cka) for row, stage in enumerate(audit) if stage.cka is not None]
    return points(
        [cka for _, _, cka in known],
        [row for row, _, _ in known],
        [_colour(stage.frozen) for _, stage, _ in known],
        size=14,
        xaxis="x2",
        meta={"intervals": False},
        cliponaxis=False,
        customdata=[label(stage.stage, 18) for _, stage, _ in known],
        hover="%{customdata}<br>CKA %{x:.3f}",
    ) | whisker([Interval(value=cka, low=0, high=cka) for _, _, cka in known], grid, along="x", thickness=2)


def _percent(value: float) -> str:
    if value == 0:
        return "0 %"
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %" if value >= 0.1 else "< 0.1 %"


def _says(audit: Sequence[StageAudit]) -> str | None:
    """Say which stage moved most, and whether frozen ones stayed."""
    if not audit:
        return None
    most = max(audit, key=lambda stage: stage.relative_change)
    frozen = [stage for stage in audit if stage.frozen]
    moved = [stage for stage in frozen if stage.relative_change]
    parts = []
    if most.relative_change:
        length = three_digits(100 * most.relative_change)
        parts.append(f"furthest moved is {most.stage}, by {length} % of its length")
    if frozen:
        all_of_them = "the frozen stage" if len(frozen) == 1 else f"all {len(frozen)} frozen stages"
        parts.append(
            f"{len(moved)} of {len(frozen)} frozen stages moved" if moved else f"{all_of_them} stayed"
        )
    text = "; ".join(parts) or "no stage moved"
    return f"{text[:1].upper()}{text[1:]}."
