"""The one door through which every chart comes: its words, the chart, and its numbers one click away."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures import table
from core.figures.says import figure_says
from core.figures.told import Value, words
from widgets import frame

# No tool bar, and a finger scrolls the page, not the chart.
_CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
_DIGITS = 4  # that a number has on screen, at most; the file has more


def chart(
    figure: go.Figure,
    *,
    key: str,
    says: str | None = None,
    said: bool = False,
    room: int | None = None,
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """Draw ``figure``, a sentence about what it shows, and a door to its numbers as a table.

    The sentence is the figure's own, or what the page ``says``; screen readers get it as the chart's name. ``said``:
    the page says it already, so it is not repeated. ``room`` is a height in pixels that the chart gets from the
    beginning, whatever it needs. ``on_click`` gets the ``customdata`` of a point that was clicked before the page runs
    again; a click needs a way by keyboard beside it.
    The table costs nothing until somebody opens it.
    """
    place: DeltaGenerator = st.container() if room is None else st.container(height=room, border=False)
    says = says or figure_says(figure)
    alt = " ".join([says, *table.notes(figure)])
    look: dict[str, Any] = {"key": key, "theme": None, "config": _CONFIG, "alt": alt}
    if on_click is None:
        place.plotly_chart(figure, **look)
    else:
        place.plotly_chart(figure, **look, on_select=lambda: _clicked(key, on_click), selection_mode="points")
    with st.container(gap="xxsmall", key=f"about_{key}"):
        if not said:
            st.caption(frame.plain(says))
        box = st.expander("Numbers", type="compact", key=f"numbers_{key}", on_change="rerun")
        if box.open:
            with box:
                _numbers(figure, key, alt)


def _clicked(key: str, on_click: Callable[[Any], None]) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        on_click(points[0].get("customdata"))


def _numbers(figure: go.Figure, key: str, alt: str) -> None:
    """Draw the tables, called by the chart's ``alt``; each can be searched, sorted and taken along as CSV."""
    tables = table.tables(figure)
    if not tables:
        st.caption("Nothing is drawn yet.")
    for number, shown in enumerate(tables):
        if shown.title:
            st.caption(frame.plain(shown.title))
        st.dataframe(
            {name: _column(values) for name, values in shown.columns.items()},
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format=digits)
                for name, values in shown.columns.items()
                if (digits := _format(values))
            },
            key=f"table_{key}_{number}",
            alt=f"Numbers, table {number + 1}: {alt}",
        )
    for note in table.notes(figure):
        st.caption(frame.plain(note))


def _column(values: Sequence[Value]) -> list[Value]:
    """One kind of values: where there are words, numbers are words too."""
    if words(values):
        return [None if value is None else str(value) for value in values]
    return list(values)


def _format(values: Sequence[Value]) -> str | None:
    """As many digits as tell the column's numbers apart; None for words and whole numbers."""
    known = [value for value in values if value is not None]
    if words(known) or all(isinstance(value, int) for value in known):
        return None
    if all(float(value).is_integer() for value in known):
        return "%.0f"
    most = max(abs(float(value)) for value in known)
    return f"%.{min(max(_DIGITS - 1 - math.floor(math.log10(most)), 0), 6)}f"
