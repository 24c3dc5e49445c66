"""What kinds that begin with a pretrained network share: its weights at hand, the side of its pictures."""

from typing import TYPE_CHECKING

from core.backbones import catalogue
from core.events import OnProgress
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.sweep_config import SweepConfig

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone

Config = FinetuneConfig | SweepConfig


def image_side(config: Config) -> int:
    """Name the side, in pixels, that images are decoded to: the setting's, or what runs of the backbone use."""
    return catalogue.entry(config.backbone).finetune_size if config.image_size is None else config.image_size


def fetch(config: Config, progress: OnProgress | None = None) -> None:
    """Download the weights that training starts from, where they are not here yet, saying how far it is."""
    if _needed(config) and config.weights == "pretrained" and _is_download(config.backbone):
        from core.backbones import weights

        weights.downloaded(config.backbone, progress)


def network(config: Config) -> "Backbone | None":
    """Load the pretrained network for a machine that lacks its weights' file; None where every copy has it."""
    everywhere = config.backbone in (
        catalogue.DEFAULT,
        catalogue.BUILT_IN,
    )  # by requirements.txt, or in the tree
    if not _needed(config) or (config.weights == "pretrained" and everywhere):
        return None
    from core.backbones import stages, weights

    backbone = stages.build(config.backbone)
    weights.load_pretrained(backbone, config.weights)
    return backbone


def _is_download(name: str) -> bool:
    return catalogue.entry(name).origin not in ("own", "package")


def _needed(config: Config) -> bool:
    return (
        isinstance(config, SweepConfig)
        or STRATEGIES[config.strategy].pretrained
        or config.strategy == "scratch_statistics"
    )
