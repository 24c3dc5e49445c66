"""The names of what one sees, drawn on the learning curves; the statistics are those of `core.riding.named`."""

from collections.abc import Sequence
from typing import Any

from core.figures.marks import guide, note
from core.figures.riding_looks import readable
from core.figures.table import SAID
from core.figures.template import SIZE, SMALL, Theme, faded, ground
from core.riding import named
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import RidingReport
from core.words import interval, number, percent, points

_NEGATIVE_AT = 36  # %: below where curves end, above what forgetting says

Drawn = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # traces and notes


def _name(
    text: str, x: float, y: float, colour: str, theme: Theme, *, anchor: str = "left middle", **more: Any
) -> dict[str, Any]:
    """Write a name on the curves, at the side it is anchored to."""
    plate: dict[str, Any] = {
        "bgcolor": faded(ground(theme).paper, 0.85),
        "borderpad": 3,
        "align": anchor.split(maxsplit=1)[0],
    }
    return note(text, x, y, colour, anchor=anchor, size=SIZE, weight=600, name=SAID, **plate, **more)


def _jump_start(
    report: RidingReport, arms: Sequence[str], _forgot: RidingReport | None, theme: Theme
) -> Drawn:
    if not {"scratch", "bicycle"} <= set(arms):
        return [], []
    low, high = (100 * report.curve(arm).at(0).mean() for arm in ("scratch", "bicycle"))
    gain = named.jump_start(report)
    ends = {"symbol": ["line-ew", "arrow-up"], "size": 15, "color": ground(theme).ink, "line": {"width": 3}}
    bracket = guide(
        [0, 0], [low, high], ground(theme).ink, width=4, mode="lines+markers", marker=ends, cliponaxis=False
    )
    text = (
        f"Jump-start<br>{points(gain.value, 0)}<br>"
        f'<span style="font-size:{SMALL}px;font-weight:400">{interval(gain.low, gain.high, 0)}</span>'
    )
    return [bracket], [_name(text, 2.6, max(0.2 * low + 0.8 * high, 12), ground(theme).ink, theme)]


def _slope(report: RidingReport, arms: Sequence[str], _forgot: RidingReport | None, theme: Theme) -> Drawn:
    traces, notes = [], []
    for arm, place in (("scratch", 0.66), ("bicycle", 0.86)):
        slope = named.slope(report.curve(arm)) if arm in arms else None
        if slope is None or slope[0] == 0:
            continue
        updates, each = slope
        first = 100 * report.curve(arm).survival[:, 0].mean()
        last = first + 100 * each * updates
        traces.append(guide([0, updates], [first, last], ground(theme).ink, dash="dash"))
        text = f"{number(100 * each, 0 if each >= 0.1 else 1, sign=True)} an update"
        at = updates * place + 2, first + (last - first) * place
        notes.append(_name(text, *at, readable(ARMS[arm], theme), theme))
    return traces, notes


def _asymptote(
    report: RidingReport, arms: Sequence[str], _forgot: RidingReport | None, theme: Theme
) -> Drawn:
    known = [arm for arm in arms if report.curve(arm).updates[-1] > UPDATES]
    if not known:
        return [], []
    ends = {arm: 100 * named.asymptote(report, arm).value for arm in known}
    said = [
        f'<span style="color:{readable(ARMS[arm], theme)}">{level:.1f} %</span>'
        for arm, level in ends.items()
    ]
    updates = report.curve(known[0]).updates
    span = [updates[-named.LAST_TESTS], updates[-1]]
    level = min(ends.values())
    text = f"Asymptote<br>{' · '.join(said)}"
    name = _name(text, span[1], level - 6, ground(theme).ink, theme, anchor="right top")
    return [guide(span, [level - 4] * 2, ground(theme).ink)], [name]


def _negative(report: RidingReport, arms: Sequence[str], _forgot: RidingReport | None, theme: Theme) -> Drawn:
    if not {"scratch", "reversed"} <= set(arms):
        return [], []
    more = named.more_updates(report)
    text = "Negative<br>transfer"
    if more is not None:
        text += f"<br>{number(more.value, 0, sign=True)} updates"
    colour = readable(ARMS["reversed"], theme)
    return [], [_name(text, 1, _NEGATIVE_AT, colour, theme, anchor="right middle", xref="paper")]


def _forgetting(
    report: RidingReport, arms: Sequence[str], forgot: RidingReport | None, theme: Theme
) -> Drawn:
    if forgot is None:
        return [], []
    curve = forgot.curve("bicycle")
    first, last = (percent(curve.survival[:, place].mean()) for place in (0, -1))
    text = f"The same riders, back on the bicycle:<br>{first} → {last}"
    return [], [_name(text, curve.updates[-1], 13, ground(theme).trainable, theme, anchor="right middle")]


DRAWN_NAMES = {
    "jump_start": _jump_start,
    "slope": _slope,
    "asymptote": _asymptote,
    "negative_transfer": _negative,
    "forgetting": _forgetting,
}
