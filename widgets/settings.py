"""Every other setting of a run, folded away; labels, help and defaults come from the configuration itself."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import LabError
from core.settings import described
from core.training.config import FinetuneConfig
from widgets import address

SETTINGS = described(FinetuneConfig)

# What one press of + adds: whole numbers have a whole step.
_BUDGET = {"epochs": 1, "batch_size": 8, "image_size": 16, "views": 1, "patience": 1, "seed": 1}
_STEPS = {
    "learning_rate": 1e-4,
    "warm_up": 0.05,
    "stage_decay": 0.05,
    "weight_decay": 1e-3,
    "l2_sp": 1e-3,
    "label_smoothing": 0.05,
    "mixup": 0.1,
}
_MLP = {"head_width": 32, "head_dropout": 0.1}
_DEVICES = ("auto", "cpu", "cuda")
_CHOICES = ("optimiser", "head", "batch_norm", "statistics", "device", "cache")
_NAMES = (*_BUDGET, *_STEPS, *_MLP, *_CHOICES)  # all that are drawn here


def image_size() -> int | None:
    """The image size that was set, also by a link, or None for the network's own."""
    _follow_link()
    return st.session_state.get("set_image_size")


def pick(defaults: FinetuneConfig) -> dict[str, Any]:
    """Draw the settings in a folded box; what differs from ``defaults`` (resolved) comes back, and into the address."""
    _follow_link()
    box = st.expander(
        "More settings", type="compact", icon=":material/tune:", key="settings", on_change="rerun"
    )
    if box.open:
        with box:
            _draw(defaults)
    chosen = _chosen()
    address.kept("settings", **dict.fromkeys(_NAMES) | {name: _text(value) for name, value in chosen.items()})
    return chosen


def _follow_link() -> None:
    """Set what a link says, and all other settings back to their defaults; a value that cannot be is left out."""
    linked = address.followed("settings", _NAMES)
    values: dict[str, Any] = {}
    for name, text in linked.items():
        field = SETTINGS[name]
        try:
            value: Any = {"true": True, "false": False}[text] if field.kind is bool else field.kind(text)
            if value not in (_DEVICES if name == "device" else field.choices or (value,)):
                raise KeyError(text)
            FinetuneConfig(**{name: value})
        except (KeyError, ValueError, LabError):
            address.refuse(field.title, text)
        else:
            values[name] = value
    if linked:
        choose(**values)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def choose(**values: Any) -> None:
    """Set these settings from outside, and all others back to their defaults."""
    for name in SETTINGS:
        st.session_state.pop(f"set_{name}", None)
    for name, value in values.items():
        st.session_state[f"set_{name}"] = value


def _draw(defaults: FinetuneConfig) -> None:
    budget, steps, rest = st.columns(3, gap="medium")
    with budget:
        _numbers(_BUDGET, defaults)
    with steps:
        _choice("optimiser")
        _numbers(_STEPS, defaults)
    with rest:
        _choice("head")
        if st.session_state.get("set_head") == "mlp":
            _numbers(_MLP, defaults)
        _choice("batch_norm")
        _choice("statistics")
        _choice("device", _DEVICES)
        cache = SETTINGS["cache"]
        st.toggle(cache.title, value=True, key="set_cache", help=cache.help, persist_state="session")


def _numbers(steps: Mapping[str, float], defaults: FinetuneConfig) -> None:
    for name, step in steps.items():
        default = getattr(defaults, name)
        st.number_input(
            SETTINGS[name].title,
            value=None,
            step=step,
            format="%d" if isinstance(step, int) else "%g",
            placeholder="never" if default is None else f"{default:g}",
            help=SETTINGS[name].help,
            key=f"set_{name}",
            persist_state="session",
        )


def _choice(name: str, options: tuple[str, ...] = ()) -> None:
    field = SETTINGS[name]
    st.selectbox(
        field.title, options or field.choices, help=field.help, key=f"set_{name}", persist_state="session"
    )


def _chosen() -> dict[str, Any]:
    values = {name: st.session_state.get(f"set_{name}") for name in SETTINGS}
    return {
        name: value for name, value in values.items() if value is not None and value != SETTINGS[name].default
    }
