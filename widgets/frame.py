"""What every page shares: its title in the tab, the width of the column, the visitor, and shown errors."""

import errno
import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import LabError, StoreError
from core.runs.home import unusable
from widgets import login, visitor_cookie

NAME = "Transfer Learning Lab"
page_drawn = threading.Event()  # somebody has a page in front of them; what is heavy may begin
# What a disk that is full, gone or not to be written to says, wherever it is asked.
_DISK = tuple(
    getattr(errno, name)
    for name in (
        "ENOSPC",
        "EDQUOT",
        "EROFS",
        "EIO",
        "EACCES",
        "EPERM",
        "ESTALE",
        "ENOTCONN",
        "ENXIO",
        "ENODEV",
    )
    if hasattr(errno, name)
)
_log = logging.getLogger(__name__)
_ICON = Path(__file__).parent / "logo.svg"
_PAGES = Path(__file__).resolve().parent.parent / "pages"
# Everything that Markdown, Streamlit's colour directives or LaTeX could take for a sign of theirs.
_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!$:|<>~&^@=\"'])")
_SPACE = re.compile(r"[^\S\u00a0]+")  # but that before a unit, where no line may break
_QUOTED = re.compile(r"([\\`\[\]<>$])")
_STYLE = (Path(__file__).parent / "frame.css").read_text(encoding="utf-8")
# Streamlit writes white on its buttons in every theme. On the fire of the dark one that cannot be read, and a fire on
# which it could would itself not be readable on the dark ground.
_DARK_STYLE = (
    ":root { --button: #F0823C; --on-button: #0B1015; --button-hovered: #F59A5B; "
    "--muted: #B3BCC6; --keyword: #9BD3F3; --literal: #7FD8B5; }"
)
_mends = st.components.v2.component(
    "frame", html="", js=(Path(__file__).parent / "frame.js").read_text(encoding="utf-8")
)


def icon() -> None:
    """Set the browser tab's icon; call before `st.navigation`.

    Where none is set by then, the browser takes the page's icon for it, and fetches a Material one from a font service.
    """
    st.set_page_config(page_icon=str(_ICON))


def begin(title: str) -> None:
    """Set the browser tab's title, the logo and the page's width; call before the page draws anything."""
    st.set_page_config(page_title=f"{title} · {NAME}", layout="wide")
    st.logo(str(_ICON), size="large")
    st.html(f"<style>{_STYLE}{_DARK_STYLE if theme() == 'dark' else ''}</style>")


def end() -> None:
    """Call after the page was drawn; it is drawn again when the theme changes."""
    _mends(key="frame", data={"theme": theme()}, on_theme_change=lambda: None)
    page_drawn.set()


def visitor() -> str:
    """Read the visitor's id from the cookie; a browser without cookies keeps one for this session only.

    Where people log in, the account decides instead.
    """
    person = login.person()
    if person is not None:
        return person
    known = st.context.cookies.get(visitor_cookie.COOKIE)
    if isinstance(known, str) and visitor_cookie.is_visitor(known):
        return known
    visitor_id: str = st.session_state.setdefault("visitor", visitor_cookie.new_visitor())
    return visitor_id


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show what a person did wrong, or the disk refuses, as one sentence; anything else is a defect and goes on up."""
    try:
        yield
    except Exception as error:
        if not show(error):
            raise


def show(error: Exception) -> bool:
    """Show an error as one sentence; False, and nothing, for one that is a defect."""
    if isinstance(error, OSError) and error.errno in _DISK:
        _log.error("The disk refuses what a page wants to do.", exc_info=error)
        error = StoreError(unusable(error))
    if not isinstance(error, LabError):
        return False
    # It may quote a name from outside, which must not become a link, a picture or a formula.
    st.error(_QUOTED.sub(r"\\\1", str(error)), icon=":material/error:")
    return True


def fresh(place: str, name: str) -> DeltaGenerator:
    """Make the container for what ``name`` shows at ``place`` of a page.

    Streamlit keeps what stood in a container, faded, until the new is drawn. Of another view that would be a leftover,
    which belongs to nothing above it any more. So each next view takes the other one of two slots, and the one of the
    view before is emptied at once; emptying and filling one slot would reach the browser as one message, a filling.
    """
    before, turn = st.session_state.get(f"fresh_{place}", (name, 0))
    turn = turn if before == name else 1 - turn
    st.session_state[f"fresh_{place}"] = name, turn
    if turn:
        st.empty()
        return st.container()
    container = st.container()
    st.empty()
    return container


def prose(name: str) -> str:
    """Read the Markdown file ``pages/<name>.md``."""
    return (_PAGES / f"{name}.md").read_text(encoding="utf-8")


def page(name: str) -> Path:
    """Name a page's file, as `st.switch_page` and `st.page_link` want it."""
    return _PAGES / f"{name}.py"


def plain(text: str) -> str:
    """Make a text from outside (a class or file name) mean itself in Markdown and in labels."""
    return _SIGNS.sub(r"\\\1", _SPACE.sub(" ", text).strip())


def caveats(texts: Iterable[str]) -> None:
    """Write what has to be known of the data beside an accuracy."""
    for text in texts:
        st.caption(f":orange[:material/warning:] {plain(text)}")


def theme() -> Literal["light", "dark"]:
    """The visitor's theme, for figures."""
    return "dark" if st.context.theme.type == "dark" else "light"
