"""The settings of an experiment as widgets; they stand in the address, so that every experiment is a link."""

import dataclasses
import typing
from typing import Any

import streamlit as st

from core import errors
from core.techniques.technique import FEWEST_SEEDS, MOST_SEEDS, Settings, Technique
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
    hints = typing.get_type_hints(kind)
    fields = sorted(dataclasses.fields(kind), key=lambda one: one.name in _BOTH)
    texts = {field.name: st.query_params[field.name] for field in fields if field.name in st.query_params}
    found: Settings | None = None
    with frame.shown_errors():
        found = technique.settings_of(texts)
    if found is None:
        if st.button("Back to the usual settings", key="technique_usual"):
            forget(technique)
            st.rerun()
        return None
    with st.container(horizontal=True, key="technique_settings"):
        for field in fields:
            if field.name != "first_seed":
                _widget(technique, kind, field, hints[field.name], getattr(found, field.name))
    return found


def forget(technique: Technique) -> None:
    """Take every setting out of the address."""
    for one in (technique, *technique.variants):
        address.write(**{field.name: None for field in dataclasses.fields(one.settings)})


def _widget(
    technique: Technique, kind: type[Settings], field: dataclasses.Field[Any], hint: Any, value: Any
) -> None:
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

    title = kind.TITLES.get(field.name, field.name.replace("_", " ").capitalize())
    more: dict[str, Any] = {"key": key, "on_change": changed, "help": field.metadata["help"]}
    choices = typing.get_args(hint)
    if switches:
        choices = tuple(getattr(one.settings(), field.name) for one in (technique, *technique.variants))
    limits = {name: (low, high) for name, low, high in (*kind.LIMITS, ("seeds", FEWEST_SEEDS, MOST_SEEDS))}
    if hint is bool:
        st.toggle(title, **more)
    elif choices and all(isinstance(one, str) for one in choices):
        st.segmented_control(title, choices, format_func=lambda one: one.replace("_", " "), **more)
    else:
        low, high = limits.get(field.name, (None, None))
        whole = hint is int
        cast = int if whole else float
        st.number_input(
            title,
            min_value=None if low is None else cast(low),
            max_value=None if high is None else cast(high),
            step=1 if whole else None,
            width=160,
            **more,
        )
