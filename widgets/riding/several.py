"""A choice of several that stands in the address, so that what is shown is a link."""

from collections.abc import Collection, Mapping

import streamlit as st

from widgets import address, frame

_SHOWN = 60  # signs of a wrong value that are repeated on screen


def choose_several(
    label: str,
    options: Mapping[str, str],
    *,
    name: str,
    default: Collection[str] = (),
    help: str | None = None,
) -> list[str]:
    """Draw pills for ``options`` (name: label); the chosen ones are parameter ``name``, separated by commas.

    What the address names and does not exist is left out, and said so, once.
    """
    read = st.query_params.get(name)
    wanted = list(default) if read is None else [one for one in read.split(",") if one]
    wrong = [one for one in wanted if one not in options]
    if wrong:
        st.warning(
            f"The link names “{frame.plain(', '.join(wrong)[:_SHOWN])}”, which is not here; this shows the rest.",
            icon=":material/link_off:",
        )
        wanted = [one for one in wanted if one in options] or list(default)
        _write(name, wanted, default)
    chosen = [one for one in options if one in wanted]
    key = f"riding_{name}"
    st.session_state[key] = chosen

    def changed() -> None:
        _write(name, st.session_state.get(key) or [], default)

    st.pills(
        label,
        list(options),
        selection_mode="multi",
        key=key,
        on_change=changed,
        format_func=options.__getitem__,
        help=help,
    )
    return chosen


def _write(name: str, chosen: Collection[str], default: Collection[str]) -> None:
    address.write(**{name: None if set(chosen) == set(default) else ",".join(chosen)})
