"""All techniques, in the order in which they are taught. Torch-free."""

import importlib
from functools import cache
from importlib.util import find_spec

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
    """Every technique by its name."""
    found = {}
    for name in NAMES:
        module = f"core.techniques.{name.replace('-', '_')}.entry"
        if find_spec(module.rpartition(".")[0]) is not None and find_spec(module) is not None:
            found[name] = importlib.import_module(module).TECHNIQUE
    return found


def technique(name: str) -> Technique:
    """Find a technique; `SettingsError` for a name that is none."""
    errors.one_of("technique", name, techniques())
    return techniques()[name]
