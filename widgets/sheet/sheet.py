"""A contact sheet: many small pictures as one image; a click, or the arrow keys and Enter, choose one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from widgets import encoded_picture

_HERE = Path(__file__).resolve().parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_sheet = st.components.v2.component(
    "contact_sheet", html=_read("sheet.html"), css=_read("sheet.css"), js=_read("sheet.js")
)


def sheet(
    image: bytes,
    *,
    key: str,
    columns: int,
    labels: Sequence[str],
    chosen: int | None = None,
    on_choose: Callable[[int], None] | None = None,
    largest: int = 96,
    smooth: bool = False,
    about: str = "Contact sheet",
    note: str = "",
) -> None:
    """Draw ``image`` (a `rendering.contact_sheet`, encoded), a grid of ``columns`` cells a row, one label each.

    ``labels`` show for the cell under the pointer, and to screen readers; ``note`` while there is none.
    ``on_choose`` gets the number of the clicked cell before the page runs again. ``largest`` is how wide a cell
    gets, in CSS pixels; ``smooth`` how it is enlarged.
    """

    def changed() -> None:
        number = st.session_state[key].cell
        if on_choose is not None and isinstance(number, int) and 0 <= number < len(labels):
            on_choose(number)

    _sheet(
        key=key,
        data={
            "image": encoded_picture.address(image, key),
            "columns": columns,
            "labels": list(labels),
            "chosen": chosen,
            "largest": largest,
            "smooth": smooth,
            "clickable": on_choose is not None,
            "about": about,
            "note": note,
        },
        on_cell_change=changed,
    )
