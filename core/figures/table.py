"""A chart's numbers as tables, read from the chart's own traces: the two cannot differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.figures.told import (
    PanelKey,
    Piece,
    Value,
    grid,
    level,
    levels_of_shapes,
    plain,
    points,
    unused,
    words,
)

SERIES = "Series"
SAID = "said"  # name of an annotation whose text is part of what the chart says


@dataclass(frozen=True, kw_only=True)
class FigureTable:
    """Columns of equal length by their names; ``title`` says what stands in them where their names do not."""

    title: str
    columns: dict[str, list[Value]]
    grid: bool = False  # every column but the first holds the same quantity


def tables(figure: go.Figure) -> list[FigureTable]:
    """Read every number that a figure shows, a table for each of its panels."""
    spec = figure.to_plotly_json()
    layout = spec.get("layout", {})
    pieces: list[Piece] = []
    band: dict[str, Any] | None = None
    for trace in spec.get("data", []):
        meta = trace.get("meta") or {}
        if meta.get("told") == "nothing":
            continue
        if trace.get("fill") == "toself" and "x" in trace:
            band = trace
            continue
        if meta.get("told") == "level":
            pieces += level(trace, layout)
        elif trace.get("type") == "heatmap":
            pieces.append(grid(trace, layout))
        else:
            pieces.append(points(trace, band, layout))
        band = None
    pieces += levels_of_shapes(layout, pieces)
    groups: dict[tuple[PanelKey, str], list[Piece]] = {}
    for piece in pieces:
        groups.setdefault((piece.panel, piece.value), []).append(piece)
    # What has a table of its own is the small print.
    ordered = sorted(groups.items(), key=lambda entry: bool(entry[0][0][2]))
    made = [_table(group) for _, group in ordered]
    return _joined([table for table in made if any(table.columns.values())])


def notes(figure: go.Figure) -> list[str]:
    """Read what a figure says in words beside its traces."""
    # Of the layout only: a copy of a large matrix would cost more than drawing it.
    shown = figure.layout.to_plotly_json().get("annotations") or []
    return [plain(note.get("text", "")) for note in shown if note.get("name") == SAID]


# --- a table of several ---------------------------------------------------------------------------------


def _table(group: Sequence[Piece]) -> FigureTable:
    """Put what stands in one panel together."""
    value = group[0].value
    data = [piece for piece in group if not piece.level] or list(group)
    levels = [piece for piece in group if piece.level] if data != list(group) else []
    title = next((piece.title for piece in group if piece.title), "")
    names = [piece.series for piece in data]
    if data[0].grid:
        return FigureTable(title=title, columns=data[0].columns, grid=True)
    if len(data) > 1 and len(set(names)) == len(data) and _share_a_key(data):
        return FigureTable(title=title or value, columns=_side_by_side(data, levels))
    order = list(dict.fromkeys(name for piece in data for name in piece.columns))
    several = len(set(names)) > 1 or data[0].level
    first = order[0] if order and not several and words(data[0].columns[order[0]]) else None
    rows: dict[str, list[Value]] = {SERIES: []} if several or (levels and first is None) else {}
    rows |= {name: [] for name in order}
    for piece in (*data, *levels):
        count = max((len(values) for values in piece.columns.values()), default=0)
        for name, column in rows.items():
            if name == SERIES or (name == first and piece.level):
                column.extend([piece.series] * count)
            else:
                column.extend(piece.columns.get(name) or [None] * count)
    return FigureTable(title=title, columns=rows)


def _share_a_key(data: Sequence[Piece]) -> bool:
    """Whether every series is a column of its own over the places of the longest."""
    key = data[0].keys
    longest = max((piece.columns.get(key[0], []) for piece in data), key=len) if key else []
    return bool(longest) and all(
        piece.keys == key
        and list(piece.columns) == [key[0], piece.value]
        and len(set(piece.columns[key[0]])) == len(piece.columns[key[0]])
        and set(piece.columns[key[0]]) <= set(longest)
        for piece in data
    )


def _side_by_side(data: Sequence[Piece], levels: Sequence[Piece]) -> dict[str, list[Value]]:
    key, value = data[0].keys[0], data[0].value
    places = max((piece.columns[key] for piece in data), key=len)
    columns: dict[str, list[Value]] = {key: list(places)}
    for piece in data:
        known = dict(zip(piece.columns[key], piece.columns[value], strict=True))
        columns[unused(piece.series or value, columns)] = [known.get(place) for place in places]
    for piece in levels:
        columns[unused(piece.series, columns)] = piece.columns[value] * len(places)
    return columns


def _joined(panels: Sequence[FigureTable]) -> list[FigureTable]:
    """Put a table beside the one before it where it says more of the same named rows."""
    joined: list[FigureTable] = []
    for table in panels:
        name = next(iter(table.columns))
        rows = table.columns[name]
        before = joined[-1] if joined else None
        if (
            before is not None
            and not before.title
            and not table.title
            and name != SERIES
            and next(iter(before.columns)) == name
            and words(rows)
            and len(set(before.columns[name])) == len(before.columns[name])
            and len(set(rows)) == len(rows)
            and set(rows) <= set(before.columns[name])
            and len(set(table.columns) & set(before.columns)) == 1
        ):
            for more, values in list(table.columns.items())[1:]:
                known = dict(zip(rows, values, strict=True))
                before.columns[more] = [known.get(row) for row in before.columns[name]]
        else:
            joined.append(table)
    return joined
