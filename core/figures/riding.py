"""How riders learn the motorcycle: survival against practice, and on it the names of what one sees."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.template import (
    DATA,
    FIRE,
    GREY,
    ICE,
    SIZE,
    SMALL,
    WRONG,
    Ground,
    Mark,
    Theme,
    faded,
    figure,
    ground,
    key,
)
from core.riding import named
from core.riding.experiment import ARMS, UPDATES, Arm
from core.riding.experiment_report import Curve, Report, band

# Orange learned something that helps, grey did not learn before, ice is frozen, violet learned the wrong way round.
COLOURS = {"control": GREY, "trained": FIRE, "frozen": ICE, "misled": WRONG, "near": DATA}
_READABLE: dict[str, dict[str, str]] = {
    "light": {"misled": "#5E449E", "near": "#7A5F00"},
    "dark": {"misled": "#C9BAEE", "near": "#E8CF74"},
}
# Arms of one colour that may stand beside each other: Plotly's dash, and its mark in the key.
_LOOKS: dict[str, tuple[str, Mark]] = {
    "shuffled": ("dot", "dots"),
    "bicycle_fresh_head": ("dot", "dots"),
    "reversed_fresh_head": ("dot", "dots"),
    "scratch_two_frozen": ("dot", "dots"),
    "reversed_two_frozen": ("dash", "dashes"),
    "bicycle_last_frozen": ("dashdot", "dash-dots"),
}
_PLAIN: tuple[str, Mark] = ("solid", "line")
_MARK_SIGNS, _LINE_SIGNS = 5, 40  # the key: what a mark takes, and what a line on a phone holds
LEFT = -2.5  # updates: room for what is drawn at the start


def readable(arm: Arm, theme: Theme) -> str:
    """Give the colour of an arm as text."""
    on = ground(theme)
    known = {"control": on.control, "trained": on.trainable, "frozen": on.frozen} | _READABLE[theme]
    return known[arm.colour]


def learning(
    report: Report | None,
    arms: Sequence[str],
    *,
    terms: Collection[str] = (),
    forgetting: Report | None = None,
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
            traces += _between(report.curve("scratch"), report.curve("reversed"), end)
        for curve in shown:
            traces += _curve(curve, end)
        if "forgetting" in terms and forgetting is not None:
            traces += _curve(forgetting.curve("bicycle"), end, dash="dot", told="on the bicycle again")
        for term in terms:
            drawn, said = _TERMS[term](report, arms, forgetting, ground(theme), theme)
            traces += drawn
            notes += said
    entries: list[tuple[str, str, Mark]] = [
        (ARMS[arm].short, COLOURS[ARMS[arm].colour], _LOOKS.get(arm, _PLAIN)[1]) for arm in arms
    ]
    title, lines = folded_key(*entries)
    layout = {
        "height": 500,
        "margin": {"l": 8, "r": 14, "t": 22 + 24 * lines, "b": 8},
        "title": title,
        "xaxis": {
            "range": [LEFT * end / UPDATES, end],
            "tick0": 0,
            "dtick": 50 if far else 20,
            "title": {"text": "Practice on the motorcycle (updates)"},
            "showgrid": False,
        },
        "yaxis": {
            "range": [-2, 103],
            "tickvals": [0, 25, 50, 75, 100],
            "ticktext": ["0", "25", "50", "75", "100 %"],
            "title": {"text": "Test rides still upright after 6 s"},
        },
        "annotations": notes,
    }
    return figure(traces, layout, theme)


def folded_key(*entries: tuple[str, str, Mark]) -> tuple[dict[str, Any], int]:
    """Make a `key` whose lines a phone has room for, and count them."""
    title = key(*entries)
    lines: list[list[str]] = [[]]
    used = 0
    for (name, _, _), part in zip(entries, title["text"].split("\u2003"), strict=False):
        if lines[-1] and used + len(name) + _MARK_SIGNS > _LINE_SIGNS:
            lines.append([])
            used = 0
        lines[-1].append(part)
        used += len(name) + _MARK_SIGNS
    title["text"] = "<br>".join("\u2003".join(line) for line in lines)
    title["pad"]["t"] += 22 * (
        len(lines) - 1
    )  # Plotly hangs the last line where it is told to hang the first
    return title, len(lines)


# --- curves ---------------------------------------------------------------------------------------------


def _curve(curve: Curve, end: int, *, dash: str | None = None, told: str = "") -> list[dict[str, Any]]:
    arm = ARMS[curve.arm]
    colour = COLOURS[arm.colour]
    average, low, high = (100 * one for one in band(curve.survival))
    updates = np.array(curve.updates)
    inside = updates <= end
    updates, average, low, high = updates[inside], average[inside], low[inside], high[inside]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": np.concatenate([updates, updates[::-1]]).tolist(),
            "y": np.concatenate([low, high[::-1]]).tolist(),
            "fill": "toself",
            "fillcolor": faded(colour, 0.16),
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines" if len(updates) > 1 else "markers",
            "name": f"{arm.title}{', ' + told if told else ''}",
            "x": updates.tolist(),
            "y": average.tolist(),
            "line": {
                "color": colour,
                "width": 4,
                "shape": "linear",
                "dash": dash or _LOOKS.get(curve.arm, _PLAIN)[0],
            },
            "marker": {"color": colour, "size": 9},
            "customdata": np.stack([low, high], axis=1).tolist(),
            "hovertemplate": "%{fullData.name}<br>after %{x} updates: <b>%{y:.0f} %</b> "
            "[%{customdata[0]:.0f}, %{customdata[1]:.0f}]<extra></extra>",
        },
    ]


def _between(scratch: Curve, other: Curve, end: int) -> list[dict[str, Any]]:
    """Fill where ``other`` is worse than scratch."""
    count = min(len(scratch.updates), len(other.updates))
    updates = np.array(scratch.updates[:count])
    count = int((updates <= end).sum())
    above = 100 * scratch.survival.mean(axis=0)[:count]
    below = np.minimum(100 * other.survival.mean(axis=0)[:count], above)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": np.concatenate([updates[:count], updates[:count][::-1]]).tolist(),
            "y": np.concatenate([above, below[::-1]]).tolist(),
            "fill": "toself",
            "fillcolor": faded(WRONG, 0.3),
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
    ]


# --- names ----------------------------------------------------------------------------------------------

_NEGATIVE_AT = 36  # %: below where curves end, above what forgetting says

Drawn = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def _note(text: str, x: float, y: float, colour: str, on: Ground, **more: Any) -> dict[str, Any]:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xanchor": "left",
        "yanchor": "middle",
        "align": "left",
        "showarrow": False,
        "bgcolor": faded(on.paper, 0.85),
        "borderpad": 3,
        "font": {"size": SIZE, "color": colour, "weight": 600},
    } | more


def _jump_start(
    report: Report, arms: Sequence[str], _forgot: Report | None, on: Ground, theme: Theme
) -> Drawn:
    if not {"scratch", "bicycle"} <= set(arms):
        return [], []
    low, high = (100 * report.curve(arm).at(0).mean() for arm in ("scratch", "bicycle"))
    gain = named.jump_start(report)
    bracket = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [0, 0],
        "y": [low, high],
        "line": {"color": on.ink, "width": 4},
        "marker": {"symbol": ["line-ew", "arrow-up"], "size": 15, "color": on.ink, "line": {"width": 3}},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    text = (
        f"Jump-start<br>{100 * gain.value:+.0f} points<br>"
        f'<span style="font-size:{SMALL}px;font-weight:400">[{100 * gain.low:.0f}, {100 * gain.high:.0f}]</span>'
    )
    return [bracket], [_note(text, 2.6, max(0.2 * low + 0.8 * high, 12), on.ink, on)]


def _slope(report: Report, arms: Sequence[str], _forgot: Report | None, on: Ground, theme: Theme) -> Drawn:
    traces, notes = [], []
    for arm, place in (("scratch", 0.66), ("bicycle", 0.86)):
        if arm not in arms:
            continue
        found = named.slope(report.curve(arm))
        if found is None or found[0] == 0:
            continue
        updates, each = found
        first = 100 * report.curve(arm).survival[:, 0].mean()
        last = first + 100 * each * updates
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [0, updates],
                "y": [first, last],
                "line": {"color": on.ink, "width": 3, "dash": "dash"},
                "hoverinfo": "skip",
            }
        )
        points = f"{100 * each:.0f}" if each >= 0.1 else f"{100 * each:.1f}"
        notes.append(
            _note(
                f"+{points} an update",
                updates * place + 2,
                first + (last - first) * place,
                readable(ARMS[arm], theme),
                on,
            )
        )
    return traces, notes


def _asymptote(
    report: Report, arms: Sequence[str], _forgot: Report | None, on: Ground, theme: Theme
) -> Drawn:
    known = [arm for arm in arms if report.curve(arm).updates[-1] > UPDATES]
    if not known:
        return [], []
    said = [
        f'<span style="color:{readable(ARMS[arm], theme)}">{100 * named.asymptote(report, arm).value:.1f} %</span>'
        for arm in known
    ]
    end = report.curve(known[0]).updates[-1]
    level = min(100 * named.asymptote(report, arm).value for arm in known)
    begin = report.curve(known[0]).updates[-named.LAST_TESTS]
    bar = {
        "type": "scatter",
        "mode": "lines",
        "x": [begin, end],
        "y": [level - 4, level - 4],
        "line": {"color": on.ink, "width": 3},
        "hoverinfo": "skip",
    }
    note = _note(
        f"Asymptote<br>{' · '.join(said)}", end, level - 6, on.ink, on, xanchor="right", yanchor="top"
    )
    return [bar], [note | {"align": "right"}]


def _negative(report: Report, arms: Sequence[str], _forgot: Report | None, on: Ground, theme: Theme) -> Drawn:
    if not {"scratch", "reversed"} <= set(arms):
        return [], []
    more = named.more_updates(report)
    text = "Negative<br>transfer"
    if more is not None:
        text += f"<br>{more.value:+.0f} updates".replace("-", "−")
    note = _note(text, 1, _NEGATIVE_AT, readable(ARMS["reversed"], theme), on, xref="paper", xanchor="right")
    return [], [note | {"align": "right"}]


def _forgetting(
    report: Report, arms: Sequence[str], forgot: Report | None, on: Ground, theme: Theme
) -> Drawn:
    if forgot is None:
        return [], []
    curve = forgot.curve("bicycle")
    first, last = (100 * curve.survival[:, place].mean() for place in (0, -1))
    text = f"The same riders, back on the bicycle:<br>{first:.1f} % → {last:.1f} %"
    note = _note(text, curve.updates[-1], 13, on.trainable, on, xanchor="right")
    return [], [note | {"align": "right"}]


_TERMS = {
    "jump_start": _jump_start,
    "slope": _slope,
    "asymptote": _asymptote,
    "negative_transfer": _negative,
    "forgetting": _forgetting,
}
