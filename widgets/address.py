"""What a page shows stands in its address, so that every view is a link.

A widget here reads its value from the address and writes it back; a value that does not exist gives one
sentence and the default, never a traceback. Where widgets keep their values themselves, as on the page Fine-tune, a
link is `followed` once, and what they show is `kept` in the address.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from widgets import frame

# Where one looks: it means something else in another network and in another view.
PLACES = ("stage", "channel", "target", "second", "second_target", "late", "in", "tile")
_KEY = "layers_{}"
_PAGE, _KEPT = "address_page", "address_kept"
_MOST_KEPT = 20  # addresses of a picker that are remembered: more than a browser can be behind
_SHOWN = 60  # signs of a wrong value that are repeated on screen
_WHOLE = re.compile(r"-?\d{1,12}")


def read(name: str, allowed: Collection[str], default: str, what: str = "") -> str:
    """Read parameter ``name`` of the address; one that is not ``allowed`` is the default, and said so, once.

    ``what`` is how a sentence calls it ("picture", "stage").
    """
    value = st.query_params.get(name)
    if value is None or value in allowed:
        return default if value is None else value
    refuse(what or name, value)
    del st.query_params[name]
    return default


def refuse(what: str, value: str, shown: str = "the default") -> None:
    """Say that a link names what is not here, for example a picture or a stage, and what is ``shown`` instead."""
    wrong = frame.plain(value[:_SHOWN])
    st.warning(
        f"The link names the {what} “{wrong}”, which is not here; this shows {shown} instead.",
        icon=":material/link_off:",
    )


def arrive(page: str) -> None:
    """Say which page is drawn: on another one than before, any address comes from outside."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state.pop(_KEPT, None)


def followed(picker: str, names: Collection[str]) -> dict[str, str]:
    """Read those of ``names`` that a link brings to a picker; nothing where the page wrote them there itself.

    A browser that is some clicks behind still sends an address that the page wrote earlier.
    """
    linked = {name: st.query_params[name] for name in names if name in st.query_params}
    known = _known(picker)
    if not linked or linked in known:
        return {}
    known.append(linked)
    return linked


def kept(picker: str, **values: object) -> None:
    """Keep in the address what a picker shows; None for what is as usual."""
    texts = {name: str(value) for name, value in values.items() if value is not None}
    known = _known(picker)
    if texts not in known:
        known.append(texts)
        del known[:-_MOST_KEPT]
    for name in values:
        if texts.get(name) != st.query_params.get(name):
            write(**{name: texts.get(name)})


def _known(picker: str) -> list[dict[str, str]]:
    pickers: dict[str, list[dict[str, str]]] = st.session_state.setdefault(_KEPT, {})
    return pickers.setdefault(picker, [])


def write(**values: object) -> None:
    """Put values into the address; None takes one out."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


def choose(
    draw: Callable[..., Any],
    label: str,
    options: Collection[str],
    *,
    name: str,
    default: str,
    what: str = "",
    forget: Collection[str] = (),
    **more: Any,
) -> str:
    """Draw a selection widget (`st.selectbox`, `st.segmented_control`, …) whose value is parameter ``name``.

    ``forget`` names the parameters that mean nothing once this one has changed.
    """
    value = read(name, options, default, what)
    key = _KEY.format(name)
    st.session_state[key] = value

    def changed() -> None:
        chosen = st.session_state.get(key)
        write(**dict.fromkeys(forget), **{name: chosen if chosen != default else None})

    if draw in (st.segmented_control, st.pills):
        # In a column Streamlit keeps them on one row, and hides what does not fit.
        more.setdefault("wrap", True)
    draw(label, options, key=key, on_change=changed, **more)
    return value


def choose_number(
    draw: Callable[..., Any], label: str, low: int, high: int, *, name: str, default: int, **more: Any
) -> int:
    """Draw `st.slider` or `st.number_input` from ``low`` to ``high`` (both allowed) for parameter ``name``."""
    value = int(read(name, [str(number) for number in range(low, high + 1)], str(default)))
    key = _KEY.format(name)
    st.session_state[key] = value

    def changed() -> None:
        chosen = st.session_state.get(key)
        write(**{name: chosen if chosen != default else None})

    draw(label, low, high, key=key, on_change=changed, **more)
    return value


def enter(label: str, *, name: str, default: int, **more: Any) -> int:
    """Draw `st.number_input` for a whole number of any size; which ones make sense is for the caller to say."""
    text = st.query_params.get(name, str(default))
    if not _WHOLE.fullmatch(text):
        text = read(name, (), str(default), "number")
    value = int(text)
    key = _KEY.format(name)
    st.session_state[key] = value

    def changed() -> None:
        entered = st.session_state.get(key)
        write(**{name: entered if entered != default else None})

    st.number_input(label, step=1, key=key, on_change=changed, **more)
    return value
