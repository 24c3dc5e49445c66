"""The Transfer Learning Lab for scripts: ``import core``, then what stands in `__all__`, each loaded when first used.

    import core

    pictures = core.open_dataset("digits", side=64)
    *_, result = core.finetune(core.FinetuneConfig(freeze_depth=3, epochs=2), pictures)
    print(result.test.accuracy)

Importing costs no torch, so that everything else here may import its rooms.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.advice.look import advise
    from core.backbones.catalogue import BACKBONES
    from core.datasets.catalogue import DATASETS
    from core.datasets.open import open_dataset
    from core.errors import LabError
    from core.images.open import open_picture
    from core.interpretation.attribution import attribute
    from core.interpretation.specimen import pretrained
    from core.training.config import FinetuneConfig
    from core.training.run import finetune
    from core.training.sweep import sweep
    from core.training.sweep_config import SweepConfig
    from core.training.sweep_report import report as sweep_report

__all__ = [
    "BACKBONES",
    "DATASETS",
    "FinetuneConfig",
    "LabError",
    "SweepConfig",
    "advise",
    "attribute",
    "finetune",
    "open_dataset",
    "open_picture",
    "pretrained",
    "sweep",
    "sweep_report",
]

# Where each name lives, and as what: module:name.
_HOMES = {
    "BACKBONES": "core.backbones.catalogue:BACKBONES",
    "DATASETS": "core.datasets.catalogue:DATASETS",
    "FinetuneConfig": "core.training.config:FinetuneConfig",
    "LabError": "core.errors:LabError",
    "SweepConfig": "core.training.sweep_config:SweepConfig",
    "advise": "core.advice.look:advise",
    "attribute": "core.interpretation.attribution:attribute",
    "finetune": "core.training.run:finetune",
    "open_dataset": "core.datasets.open:open_dataset",
    "open_picture": "core.images.open:open_picture",
    "pretrained": "core.interpretation.specimen:pretrained",
    "sweep": "core.training.sweep:sweep",
    "sweep_report": "core.training.sweep_report:report",
}


def __getattr__(name: str) -> Any:
    """Load a name of the face where it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    module, _, attribute_name = _HOMES[name].partition(":")
    value = globals()[name] = getattr(import_module(module), attribute_name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
