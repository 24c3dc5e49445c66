"""What a chart shows in one sentence, short and exact: its own, or read off the numbers that it draws."""

import re
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures.table import SERIES, FigureTable, tables
from core.figures.told import Value, words

NOTHING = "Nothing is drawn yet."
_MOST = 6  # things that one sentence names
_UNIT = re.compile(r"^(.*?)(?: \((%|nats|1/s|m/s|°)\))?$")


def figure_says(figure: go.Figure) -> str:
    """Say what a chart says of itself; else where series begin and end, or which rows are lowest and highest."""
    return (figure.layout.meta or {}).get("says") or _read(figure)


def _read(figure: go.Figure) -> str:
    first = next(iter(tables(figure)), None)
    if first is None:
        return NOTHING
    columns = first.columns
    names = list(columns)
    if first.grid:
        return _grid(first)
    if SERIES in columns:
        key, value = _key_and_value(columns)
        series = {
            name: [
                (columns[key][row] if key else None, columns[value][row])
                for row, other in enumerate(columns[SERIES])
                if other == name
            ]
            for name in dict.fromkeys(map(str, columns[SERIES]))
        }
        return _lines(value, key, series)
    if first.title and len(names) > 1:
        series = {name: list(zip(columns[names[0]], columns[name], strict=True)) for name in names[1:]}
        return _lines(first.title, names[0], series)
    key, value = _key_and_value(columns)
    rows = list(zip(columns[key] if key else columns[value], columns[value], strict=True))
    if words([at for at, _ in rows]):
        return _rows(value, rows)
    return _lines(value, key, {"": rows})


def _key_and_value(columns: Mapping[str, Sequence[Value]]) -> tuple[str, str]:
    """The column that the rows go by, and the first column of numbers after it."""
    names = [name for name in columns if name != SERIES]
    numbers = [name for name in names if not words(columns[name])]
    if names and names[0] not in numbers and numbers:
        return names[0], numbers[0]
    return (numbers[0], numbers[1]) if len(numbers) > 1 else ("", numbers[0])


def _lines(value: str, key: str, series: Mapping[str, Sequence[tuple[Value, Value]]]) -> str:
    name, unit = _split(value)
    parts, ends = [], []
    for title, points in list(series.items())[:_MOST]:
        known = [(at, number) for at, number in points if isinstance(number, int | float)]
        if not known:
            continue
        first, last = known[0][1], known[-1][1]
        span = three_digits(first) if first == last else f"{three_digits(first)} to {three_digits(last)}"
        parts.append(f"{title} {span}".strip())
        ends += [at for at, _ in (known[0], known[-1]) if len(known) > 1 and at is not None]
    if not parts:
        return NOTHING
    more = f", and {len(series) - _MOST} more" if len(series) > _MOST else ""
    where = ""
    if ends and isinstance(ends[0], str):
        where = f", from {ends[0]} to {ends[1]}"
    elif ends:
        what, of = _split(key)
        low, high = (pick(end for end in ends if isinstance(end, int | float)) for pick in (min, max))
        where = f"; {what[:1].lower()}{what[1:]}: {three_digits(low)} to {three_digits(high)}{of}"
    return f"{name}: {', '.join(parts)}{unit}{more}{where}."


def _rows(value: str, rows: Sequence[tuple[Value, Value]]) -> str:
    name, unit = _split(value)
    known = [(str(at), float(number)) for at, number in rows if isinstance(number, int | float)]
    if not known:
        return NOTHING
    if len(known) <= _MOST:
        return f"{name}: {', '.join(f'{at} {three_digits(number)}' for at, number in known)}{unit}."
    low, high = (pick(known, key=lambda row: row[1]) for pick in (min, max))
    return (
        f"{name}: from {three_digits(low[1])}{unit} ({low[0]}) to {three_digits(high[1])}{unit} ({high[0]}), "
        f"{len(known)} in all."
    )


def _grid(table: FigureTable) -> str:
    names = list(table.columns)
    cells = [
        (float(number), f"{row}, {name}")
        for name in names[1:]
        for row, number in zip(table.columns[names[0]], table.columns[name], strict=True)
        if isinstance(number, int | float)
    ]
    if not cells:
        return NOTHING
    unit = "\u00a0%" if table.title.startswith("%") else ""
    low, high = min(cells), max(cells)
    return f"From {three_digits(low[0])}{unit} ({low[1]}) to {three_digits(high[0])}{unit} ({high[1]})."


def _split(name: str) -> tuple[str, str]:
    """A column's name and the unit that follows a number."""
    parts = _UNIT.match(name)
    assert parts is not None
    return parts[1], f"\u00a0{parts[2]}" if parts[2] else ""


def three_digits(value: Value) -> str:
    """Write three digits that count, and whole numbers whole."""
    if not isinstance(value, int | float):
        return "–"
    whole = float(value).is_integer() or abs(value) >= 1000
    return (f"{value:,.0f}" if whole else f"{value:.3g}").replace("-", "−")
