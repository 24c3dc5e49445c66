"""The one door through which every chart comes: its words, the chart, and its numbers one click away."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures import table
from core.figures.told import Value
from widgets import frame

# No tool bar, and a finger scrolls the page, not the chart.
_CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
_DIGITS = 4  # that a number has on screen, at most; the file has more


def chart(
    figure: go.Figure,
    *,
    key: str,
    says: str,
    said: bool = False,
    room: int | None = None,
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """Draw ``figure``, a sentence that ``says`` what it shows, and a door to its numbers as a table.

    Screen readers get the sentence as the chart's name. ``said``: the page says it already, so it is not repeated.
    ``room`` is a height in pixels that the chart gets from the beginning, whatever it needs. ``on_click`` gets the
    ``customdata`` of a point that was clicked before the page runs again; a click needs a way by keyboard beside it.
    The table costs nothing until somebody opens it.
    """
    place: DeltaGenerator = st.container() if room is None else st.container(height=room, border=False)
    words = " ".join([says, *table.notes(figure)])
    look: dict[str, Any] = {"key": key, "theme": None, "config": _CONFIG, "alt": words}
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
                _numbers(figure, key, words)


def _clicked(key: str, on_click: Callable[[Any], None]) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        on_click(points[0].get("customdata"))


def _numbers(figure: go.Figure, key: str, words: str) -> None:
    """Draw the tables, called by the chart's ``words``; each can be searched, sorted and taken along as CSV."""
    found = table.tables(figure)
    if not found:
        st.caption("Nothing is drawn yet.")
    for number, one in enumerate(found):
        if one.title:
            st.caption(frame.plain(one.title))
        st.dataframe(
            {name: _column(values) for name, values in one.columns.items()},
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format=shown)
                for name, values in one.columns.items()
                if (shown := _format(values))
            },
            key=f"table_{key}_{number}",
            alt=f"Numbers, table {number + 1}: {words}",
        )
    for note in table.notes(figure):
        st.caption(frame.plain(note))


def _column(values: Sequence[Value]) -> list[Value]:
    """One kind of values: where there are words, numbers are words too."""
    if any(isinstance(one, str) for one in values):
        return [None if one is None else str(one) for one in values]
    return list(values)


def _format(values: Sequence[Value]) -> str | None:
    """As many digits as tell the column's numbers apart; None for words and whole numbers."""
    known = [one for one in values if one is not None]
    if any(isinstance(one, str) for one in known) or all(isinstance(one, int) for one in known):
        return None
    if all(float(one).is_integer() for one in known):
        return "%.0f"
    most = max(abs(float(one)) for one in known)
    return f"%.{min(max(_DIGITS - 1 - math.floor(math.log10(most)), 0), 6)}f"
