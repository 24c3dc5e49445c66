"""Every other setting of a run, folded away; labels, help and defaults come from the configuration itself."""

import dataclasses
from typing import Any

import streamlit as st

from core.training.config import FinetuneConfig

HELP = {field.name: field.metadata["help"] for field in dataclasses.fields(FinetuneConfig)}
_DEFAULT = {field.name: field.default for field in dataclasses.fields(FinetuneConfig)}

# (name, label, step): whole numbers have a whole step.
_BUDGET: tuple[tuple[str, str, float], ...] = (
    ("epochs", "Epochs", 1),
    ("batch_size", "Batch size", 8),
    ("image_size", "Image size", 16),
    ("views", "Views per picture", 1),
    ("patience", "Stop early after", 1),
    ("seed", "Seed", 1),
)
_STEPS = (
    ("learning_rate", "Learning rate", 1e-4),
    ("warm_up", "Warm-up", 0.05),
    ("stage_decay", "Rate decay per stage", 0.05),
    ("weight_decay", "Weight decay", 1e-3),
    ("l2_sp", "L2-SP", 1e-3),
    ("label_smoothing", "Label smoothing", 0.05),
    ("mixup", "Mixup", 0.1),
)
_CHOICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "optimiser": ("Optimiser", ("adamw", "sgd", "rmsprop")),
    "head": ("Head", ("linear", "mlp")),
    "batch_norm": ("Frozen BatchNorm", ("frozen", "learning")),
    "statistics": ("BatchNorm is tested with", ("recomputed", "running")),
    "device": ("Device", ("auto", "cpu", "cuda")),
}
LABELS = {
    **{name: label for name, label, _ in (*_BUDGET, *_STEPS)},
    **{name: label for name, (label, _) in _CHOICES.items()},
    "per_class": "Training pictures of each class",
    "strategy": "Strategy",
    "freeze_depth": "Frozen stages",
    "backbone": "Network",
    "cache": "Cache features",
}
_MLP = (("head_width", "Hidden units", 32), ("head_dropout", "Dropout", 0.1))


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
    for name in _DEFAULT:
        st.session_state.pop(f"set_{name}", None)
    for name, value in values.items():
        st.session_state[f"set_{name}"] = value


def _draw(defaults: FinetuneConfig) -> None:
    budget, steps, rest = st.columns(3, gap="medium")
    with budget:
        for name, label, step in _BUDGET:
            _number(name, label, step, getattr(defaults, name))
    with steps:
        _choice("optimiser")
        for name, label, step in _STEPS:
            _number(name, label, step, getattr(defaults, name))
    with rest:
        _choice("head")
        if st.session_state.get("set_head") == "mlp":
            for name, label, step in _MLP:
                _number(name, label, step, getattr(defaults, name))
        _choice("batch_norm")
        _choice("statistics")
        _choice("device")
        st.toggle("Cache features", value=True, key="set_cache", help=HELP["cache"], persist_state="session")


def _number(name: str, label: str, step: float, default: Any) -> None:
    st.number_input(
        label,
        value=None,
        step=step,
        format="%d" if isinstance(step, int) else "%g",
        placeholder="never" if default is None else f"{default:g}",
        help=HELP[name],
        key=f"set_{name}",
        persist_state="session",
    )


def _choice(name: str) -> None:
    label, options = _CHOICES[name]
    st.selectbox(label, options, help=HELP[name], key=f"set_{name}", persist_state="session")


def _chosen() -> dict[str, Any]:
    values = {name: st.session_state.get(f"set_{name}") for name in _DEFAULT}
    return {name: value for name, value in values.items() if value is not None and value != _DEFAULT[name]}
