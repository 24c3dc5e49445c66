"""How much accuracy each way to choose a freeze depth gives away, on data sets that it had not seen."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.advice.report import Policy
from core.figures.axes import axis
from core.figures.marks import above_row, box, points, whisker
from core.figures.template import FIRE, GREY, ICE, SIZE, Theme, faded, figure, ground, label
from core.metrics.report import Interval

DEPTHS = {"full": FIRE, "probe": ICE}  # colours of the two rules that have one everywhere in the lab
_DOT = 0.15  # how far below the middle of its row a dot lies; its name stands above


def regrets(
    policies: Sequence[Policy],
    *,
    ours: str = "advice",
    of: str = "the time of training everything",
    colours: Mapping[str, str] = DEPTHS,
    theme: Theme = "light",
) -> go.Figure:
    """Draw mean regret in points with its 95 % bootstrap interval, the least first; names stand above their rows.

    Our own rows, whose names begin with ``ours``, are lit and their dots are drawn in ink; others have the ``colours``
    of their names, or grey. ``of`` says what their costs are shares of.
    """
    on = ground(theme)
    rows = sorted(policies, key=lambda policy: policy.regret.value)
    reach = 1.08 * max([3.0, *(policy.regret.high for policy in rows)])
    traces, notes, lit = [], [], []
    for row, policy in enumerate(rows):
        own, regret = policy.name.startswith(ours), policy.regret
        traces.append(_dot(policy, row, on.ink if own else colours.get(policy.name, GREY), of))
        notes += [
            above_row(row, label(policy.title), on.ink, bold=own),
            above_row(row, f"{regret.value:.1f}", on.ink, side="right", size=SIZE, bold=True),
        ]
        if own:
            lit.append(box(faded(GREY, 0.16), y=(row - 0.52, row + 0.42), layer="below"))
    return figure(
        traces,
        theme,
        says=_says(rows),
        height=84 + 56 * max(len(rows), 1),
        margin={"l": 10, "r": 12, "t": 4},
        xaxis=axis("Points of accuracy given away", range=[-0.02 * reach, reach], nticks=7),
        yaxis={"range": [len(rows) - 0.35, -0.62], "visible": False},
        shapes=lit,
        annotations=notes,
    )


def _dot(policy: Policy, row: int, colour: str, of: str) -> dict[str, object]:
    regret: Interval = policy.regret
    told = [label(policy.title), label(policy.what), regret.low, regret.high, policy.worst, policy.cost]
    return points(
        [regret.value],
        [row + _DOT],
        colour,
        size=15,
        name=policy.name,
        meta={
            "series": "",
            "also": ["Way to choose", None, None, None, "Worst", f"Cost, of {of}"],
        },
        cliponaxis=False,
        customdata=[told],
        hover="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
        "gives away %{x:.1f} points [%{customdata[2]:.1f}, %{customdata[3]:.1f}]<br>"
        f"at worst %{{customdata[4]:.1f}}; %{{customdata[5]:.2f}} of {of}",
    ) | whisker([regret], faded(colour, 0.6), along="x", thickness=5)


def _says(rows: Sequence[Policy]) -> str | None:
    """Say which ways to choose a depth give away least and most; the least comes first."""
    if not rows:
        return None
    least, most = rows[0], rows[-1]
    return (
        f"Least is given away by “{least.title}”, {least.regret.value:.1f} points on average; most by "
        f"“{most.title}”, {most.regret.value:.1f}."
    )
