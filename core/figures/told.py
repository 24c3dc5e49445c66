"""What one trace of a chart tells: its numbers as columns. `core.figures.table` puts traces together.

What traces do not say of themselves stands in Plotly's ``meta``. Of a trace: `core.figures.marks.GUIDE`, `LEVEL`, or
any of ``series``, ``x``, ``y`` (names of columns; None: no column), ``value`` (name of a heat map's values), ``low``,
``high`` (names of an interval's ends), ``intervals`` (False: its bars are none), ``also`` (a name, or None, for each
entry of ``customdata``), ``text`` (a name for ``text``), ``points`` (how many count, from the first), ``cells``
("text" or "customdata": numbers of a grid that are not its ``z``) and ``table`` (a table of its own). Of a layout: by
axis ("xaxis") its ``name``, and the ``names`` of the places 0, 1, 2, …, where the axis has none or cuts them short;
and ``says``, a sentence about all of it.
"""

import base64
import html
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Value = str | int | float | None
PanelKey = tuple[str, str, str]  # keys of the axes in the layout, and the table of its own
_NEAR = 0.45  # how far from its tick a point may stand beside others
_TAGS = re.compile(r"<[^>]*>")


@dataclass(kw_only=True)
class Piece:
    """What one trace tells: its columns, and which of them holds the values."""

    panel: PanelKey
    value: str
    columns: dict[str, list[Value]]
    series: str = ""
    title: str = ""
    grid: bool = False
    level: bool = False
    keys: list[str] = field(default_factory=list)


class AxisNames:
    """An axis of the layout: its name, and the names of places on it."""

    def __init__(self, key: str, layout: dict[str, Any]) -> None:
        axis, own = layout.get(key) or {}, (layout.get("meta") or {}).get(key) or {}
        self.name = own.get("name") or plain((axis.get("title") or {}).get("text") or "")
        self.hidden = axis.get("visible") is False and not own
        self._names: dict[float, Value] = {}
        if "names" in own:
            self._names = dict(enumerate(map(plain, own["names"])))
        else:
            places, texts = _values(axis.get("tickvals")), list(axis.get("ticktext") or ())
            if _categories(places, texts):
                self._names = dict(zip(places, _numbers_if_all(map(plain, texts)), strict=True))

    def read(self, values: Sequence[Any]) -> tuple[list[Value], bool]:
        """Give the names of places, where all have one, and whether they are names; else the numbers."""
        names: list[Value] = []
        for value in values:
            if not self._names or not isinstance(value, int | float):
                return list(values), words(values)
            nearest = min(self._names, key=lambda place: abs(place - value))
            if abs(nearest - value) > _NEAR:
                return list(values), False
            names.append(self._names[nearest])
        return names, bool(self._names)

    def cells(self, places: Sequence[Any], count: int) -> list[Value]:
        """Name the rows or columns of a grid of ``count``."""
        cut = len(self._names) == count and words(places)
        return self.read(list(range(count)) if cut or not places else places)[0]


def _categories(places: Sequence[Any], texts: Sequence[str]) -> bool:
    """Whether ticks name places beside each other, not some numbers on the way."""
    if not places or len(places) != len(texts):
        return False
    steps = [after - before for before, after in itertools.pairwise(places)]
    if any(not 0.5 <= step <= 1.5 for step in steps):
        return False
    return [_number(plain(text)) for text in texts] != list(places)


def points(trace: dict[str, Any], band: dict[str, Any] | None, layout: dict[str, Any]) -> Piece:
    """Read lines, dots and bars, with their intervals."""
    meta = trace.get("meta") or {}
    polar = trace.get("type") == "scatterpolar"
    x, y = (_values(trace.get(name)) for name in (("theta", "r") if polar else ("x", "y")))
    panel, x_axis, y_axis = _axes(trace, layout)
    if meta.get("cells"):
        return _cells(trace, x, y, layout)
    xs, x_named = x_axis.read(x)
    ys, y_named = y_axis.read(y)
    across = (
        trace.get("orientation") == "h" or "error_x" in trace or y_axis.hidden or (y_named and not x_named)
    )
    # A box or a violin may have but one of the two.
    across = (across and bool(xs)) or not ys
    x_name, y_name = meta.get("x", x_axis.name or "x"), meta.get("y", y_axis.name or "y")
    key, value = ((y_name, ys), (x_name, xs)) if across else ((x_name, xs), (y_name, ys))
    hidden = (y_axis if across else x_axis).hidden or not key[1]
    given, more = _customdata(trace, meta)
    columns: dict[str, list[Value]] = {}
    if meta.get("text"):
        columns[meta["text"]] = [
            plain(text) if isinstance(text, str) else text for text in trace["text"] or ()
        ]
    keyed = {key[0]: key[1]} if key[0] and not hidden else {}
    columns |= keyed | given if words(key[1]) else given | keyed
    named = unused(value[0], columns) if value[0] else ""
    if named:
        columns[named] = value[1]
    columns |= _interval(trace, band, x, y, meta)
    columns |= more
    count = meta.get("points", len(value[1]))
    columns = {name: [_tidy(value) for value in values[:count]] for name, values in columns.items()}
    return Piece(
        panel=panel,
        value=named or next(iter(more), ""),
        columns=columns,
        series=plain(meta.get("series", trace.get("name")) or ""),
        title=meta.get("table", ""),
        keys=list(keyed),
    )


def _customdata(
    trace: dict[str, Any], meta: dict[str, Any]
) -> tuple[dict[str, list[Value]], dict[str, list[Value]]]:
    """Columns of names, and columns of numbers."""
    rows = [row if isinstance(row, list) else [row] for row in _values(trace.get("customdata"))]
    names: dict[str, list[Value]] = {}
    numbers: dict[str, list[Value]] = {}
    for place, name in enumerate(meta.get("also") or ()):
        if name is None:
            continue
        values = [plain(row[place]) if isinstance(row[place], str) else row[place] for row in rows]
        (names if words(values) else numbers)[name] = values
    return names, numbers


def _interval(
    trace: dict[str, Any], band: dict[str, Any] | None, x: list[Any], y: list[Any], meta: dict[str, Any]
) -> dict[str, list[Value]]:
    """Read both ends of the error bars, or of the band that was drawn just before."""
    low, high = meta.get("low", "Low"), meta.get("high", "High")
    for name, values in (("error_y", y), ("error_x", x)):
        bars = trace.get(name)
        if bars and meta.get("intervals", True):
            up = _values(bars.get("array"))
            down = _values(bars.get("arrayminus")) if "arrayminus" in bars else up
            return {
                low: [_less(value, by) for value, by in zip(values, down, strict=True)],
                high: [
                    _less(value, None if by is None else -by) for value, by in zip(values, up, strict=True)
                ],
            }
    if band is None or _values(band["x"])[: len(x)] != x:
        return {}
    edge = _values(band["y"])
    ends = list(zip(edge[: len(x)], edge[len(x) :][::-1], strict=True))
    return {low: [min(pair) for pair in ends], high: [max(pair) for pair in ends]}


def _less(value: Any, by: Any) -> Value:
    return None if value is None or by is None else value - by


def grid(trace: dict[str, Any], layout: dict[str, Any]) -> Piece:
    """Read a heat map: a row for each of its rows; with ``also``, a row for each of its cells."""
    meta = trace.get("meta") or {}
    panel, x_axis, y_axis = _axes(trace, layout)
    z = _values(trace.get("customdata") if meta.get("cells") == "customdata" else trace.get("z"))
    wide = len(z[0]) if z else 0
    xs, ys = x_axis.cells(_values(trace.get("x")), wide), y_axis.cells(_values(trace.get("y")), len(z))
    value = meta.get("value", "")
    if meta.get("also"):
        x_name, y_name = meta.get("x", x_axis.name), meta.get("y", y_axis.name)
        flat = {"customdata": [cell for row in _values(trace["customdata"]) for cell in row]}
        given, more = _customdata(flat, meta)
        columns: dict[str, list[Value]] = {} | given
        if y_name:
            columns[y_name] = [name for name in ys for _ in xs]
        if x_name:
            columns[x_name] = [name for _ in ys for name in xs]
        columns[value] = [cell for row in z for cell in row]
        columns |= more
    else:
        columns = {y_axis.name: list(ys)}
        for place, name in enumerate(xs):
            columns[unused(str(name), columns)] = [row[place] for row in z]
    columns = {name: [_tidy(value) for value in values] for name, values in columns.items()}
    title = "" if meta.get("also") else _in(value, x_axis.name)
    return Piece(panel=panel, value=value, columns=columns, title=title, grid=not meta.get("also"))


def _cells(trace: dict[str, Any], x: list[Any], y: list[Any], layout: dict[str, Any]) -> Piece:
    """Read a grid that was drawn as single points: as a grid where it has all of them, else a row for each."""
    meta = trace["meta"]
    panel, x_axis, y_axis = _axes(trace, layout)
    xs, ys = x_axis.read(x)[0], y_axis.read(y)[0]
    values = [_tidy(value) for value in _values(trace[meta["cells"]])]
    wide, high = len(set(x)), len(set(y))
    if wide * high != len(values):
        columns = {y_axis.name: ys, x_axis.name: xs, meta["value"]: values}
        return Piece(panel=panel, value=meta["value"], columns=columns)
    columns = {y_axis.name: ys[::wide]}
    for place in range(wide):
        columns[unused(str(xs[place]), columns)] = values[place::wide]
    return Piece(
        panel=panel, value=meta["value"], columns=columns, title=_in(meta["value"], x_axis.name), grid=True
    )


def _in(value: str, across: str) -> str:
    """Say what stands in a grid, and what its columns are."""
    return f"{value}; columns: {across[:1].lower()}{across[1:]}" if value and across else value or across


def level(trace: dict[str, Any], layout: dict[str, Any]) -> list[Piece]:
    """Read a line of one value."""
    panel, x_axis, y_axis = _axes(trace, layout)
    for axis, values in ((y_axis, _values(trace["y"])), (x_axis, _values(trace["x"]))):
        if len(set(values)) == 1 and values[0] is not None and not axis.hidden:
            columns: dict[str, list[Value]] = {axis.name: [_tidy(values[0])]}
            return [
                Piece(panel=panel, value=axis.name, columns=columns, series=plain(trace["name"]), level=True)
            ]
    return []


def levels_of_shapes(layout: dict[str, Any], pieces: Sequence[Piece]) -> list[Piece]:
    """Read the horizontal lines that have a name."""
    levels = []
    for shape in layout.get("shapes") or ():
        if not shape.get("name") or shape.get("y0") != shape.get("y1"):
            continue
        key = "yaxis" + shape.get("yref", "y").removeprefix("y")
        axis = AxisNames(key, layout)
        panel = next((piece.panel for piece in pieces if piece.panel[1] == key), None)
        if panel is not None:
            columns: dict[str, list[Value]] = {axis.name: [_tidy(shape["y0"])]}
            levels.append(
                Piece(panel=panel, value=axis.name, columns=columns, series=shape["name"], level=True)
            )
    return levels


# --- values ---------------------------------------------------------------------------------------------


def _axes(trace: dict[str, Any], layout: dict[str, Any]) -> tuple[PanelKey, AxisNames, AxisNames]:
    x, y = (f"{name}axis{trace.get(f'{name}axis', name).removeprefix(name)}" for name in "xy")
    own = (trace.get("meta") or {}).get("table", "")
    return (x, y, own), AxisNames(x, layout), AxisNames(y, layout)


def _values(array: Any) -> list[Any]:
    """Read a list, an array, or an array as Plotly sends it (base64)."""
    if array is None:
        return []
    if isinstance(array, dict):
        flat = np.frombuffer(base64.b64decode(array["bdata"]), dtype=np.dtype(array["dtype"]))
        shape = array.get("shape")
        array = flat if shape is None else flat.reshape([int(length) for length in str(shape).split(",")])
    if isinstance(array, np.ndarray):
        return list(array.tolist())
    return [
        _values(entry)
        if isinstance(entry, list | tuple | np.ndarray)
        else entry.item()
        if isinstance(entry, np.generic)
        else entry
        for entry in array
    ]


def _tidy(value: Any) -> Value:
    """A number without the last digits, which binary arithmetic made up; None for none."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return float(f"{value:.10g}") + 0.0 if math.isfinite(value) else None


def plain(text: str) -> str:
    """A text without markup."""
    return " ".join(html.unescape(_TAGS.sub(" ", text)).split())


def _number(text: str) -> Value:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _numbers_if_all(texts: Iterable[str]) -> list[Value]:
    names: list[Value] = list(texts)
    numbers = [_number(str(name)) for name in names]
    return names if words(numbers) else numbers


def words(values: Sequence[Value]) -> bool:
    """Whether some of them are words."""
    return any(isinstance(one, str) for one in values)


def unused(name: str, columns: dict[str, list[Value]]) -> str:
    """A name that no other column has."""
    free, number = name, 1
    while free in columns:
        number += 1
        free = f"{name} ({number})"
    return free
