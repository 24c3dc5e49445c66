"""The names of what one sees, drawn on the learning curves; the statistics are those of `core.riding.named`."""

from collections.abc import Sequence
from typing import Any

from core.figures.riding_looks import readable
from core.figures.table import SAID
from core.figures.template import GUIDE, SIZE, SMALL, Ground, Theme, faded
from core.riding import named
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import Report

_NEGATIVE_AT = 36  # %: below where curves end, above what forgetting says

Drawn = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def _note(text: str, x: float, y: float, colour: str, on: Ground, **more: Any) -> dict[str, Any]:
    return {
        "text": text,
        "name": SAID,
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
        "meta": GUIDE,
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
                "meta": GUIDE,
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
        "meta": GUIDE,
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


MARKS = {
    "jump_start": _jump_start,
    "slope": _slope,
    "asymptote": _asymptote,
    "negative_transfer": _negative,
    "forgetting": _forgetting,
}
