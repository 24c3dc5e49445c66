"""Every other setting of a run, folded away; labels, help and defaults come from the configuration itself."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.settings import described
from core.training.config import FinetuneConfig

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


def image_size() -> int | None:
    """The image size that was set, or None for the network's own."""
    return st.session_state.get("set_image_size")


def pick(defaults: FinetuneConfig) -> dict[str, Any]:
    """Draw the settings in a folded box; what differs from ``defaults`` (resolved) comes back."""
    box = st.expander(
        "More settings", type="compact", icon=":material/tune:", key="settings", on_change="rerun"
    )
    if box.open:
        with box:
            _draw(defaults)
    return _chosen()


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
