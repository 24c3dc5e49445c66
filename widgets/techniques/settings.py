"""The settings of an experiment as widgets; they stand in the address, so that every experiment is a link."""

from typing import Any

import streamlit as st

from core import errors
from core.settings import Setting, described
from core.techniques.technique import Settings, Technique
from widgets import address, frame

_KEY = "technique_set_{}"
_BOTH = ("seeds", "first_seed")  # every experiment has them; they come last


def variant(technique: Technique) -> Technique:
    """Find the variant that the address asks for; a wrong one is for `choose` to say."""
    try:
        return technique.chosen(st.query_params)
    except errors.SettingsError:
        return technique


def choose(technique: Technique) -> Settings | None:
    """Draw a widget for every setting, and read them; None where one of the address is wrong, which is said."""
    kind = variant(technique).settings
    fields = sorted(described(kind).values(), key=lambda field: field.name in _BOTH)
    texts = {field.name: st.query_params[field.name] for field in fields if field.name in st.query_params}
    chosen: Settings | None = None
    with frame.shown_errors():
        chosen = technique.settings_of(texts)
    if chosen is None:
        if st.button("Back to the usual settings", key="technique_usual"):
            forget(technique)
            st.rerun()
        return None
    with st.container(horizontal=True, key="technique_settings"):
        for field in fields:
            if field.name != "first_seed":
                _widget(technique, field, getattr(chosen, field.name))
    return chosen


def forget(technique: Technique) -> None:
    """Take every setting out of the address."""
    for variant in (technique, *technique.variants):
        address.write(**dict.fromkeys(described(variant.settings)))


def _widget(technique: Technique, field: Setting, value: Any) -> None:
    key = _KEY.format(field.name)
    switches = field.name == technique.switch
    usual = getattr(technique.settings(), field.name) if switches else field.default
    st.session_state[key] = value

    def changed() -> None:
        chosen = st.session_state.get(key)
        if chosen is None:  # a segmented control can be emptied
            chosen = field.default
        text = str(chosen).lower() if isinstance(chosen, bool) else str(chosen)
        if switches:
            forget(technique)  # a variant has settings of its own
        address.write(**{field.name: None if chosen == usual else text})

    more: dict[str, Any] = {"key": key, "on_change": changed, "help": field.help}
    choices = field.choices
    if switches:
        choices = tuple(
            getattr(variant.settings(), field.name) for variant in (technique, *technique.variants)
        )
    if field.kind is bool:
        st.toggle(field.title, **more)
    elif choices:
        st.segmented_control(
            field.title, choices, format_func=lambda choice: choice.replace("_", " "), wrap=True, **more
        )
    else:
        st.number_input(
            field.title,
            min_value=None if field.low is None else field.kind(field.low),
            max_value=None if field.high is None else field.kind(field.high),
            step=1 if field.kind is int else None,
            width=160,
            **more,
        )
