"""All techniques, in the order in which they are taught. Torch-free."""

import importlib
from functools import cache

from core import errors
from core.techniques.technique import Technique

NAMES = (
    "feature-extraction",
    "fine-tuning",
    "multi-task",
    "domain-adaptation",
    "adversarial",
    "zero-shot",
    "representation-transfer",
    "meta-learning",
    "instance-weighting",
    "relational-distillation",
    "residual-learning",
    "knowledge-fusion",
    "negative-transfer",
)


@cache
def techniques() -> dict[str, Technique]:
    """Every technique by its name; one whose package is missing or broken is an `ImportError`, not left out."""
    return {
        name: importlib.import_module(f"core.techniques.{name.replace('-', '_')}.entry").TECHNIQUE
        for name in NAMES
    }


def technique(name: str) -> Technique:
    """Find a technique; `SettingsError` for a name that is none."""
    errors.one_of("technique", name, techniques())
    return techniques()[name]
