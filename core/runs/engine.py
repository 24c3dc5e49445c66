"""A job without its disk: the data and weights at hand, the events that training yields.

Stateless, so that a worker process of this machine, the command line and a cluster's task run the same.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import errors
from core.backbones import catalogue
from core.datasets import catalogue as data_catalogue
from core.datasets import foreign
from core.datasets.dataset import ImageDataset, Splits
from core.datasets.open import load
from core.events import Event, OnProgress
from core.runs import uploads
from core.runs.spec import UPLOAD, Config, RunSpec
from core.runs.store.runs import Store
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone


def image_side(config: Config) -> int:
    """Name the side, in pixels, that images are decoded to: the setting's, or the backbone's own."""
    return catalogue.entry(config.backbone).image_size if config.image_size is None else config.image_size


def open_data(spec: RunSpec, store: Store, progress: OnProgress | None = None) -> ImageDataset:
    """Open what ``spec.data`` refers to, decoded at the size that its network sees."""
    side = image_side(spec.config)
    if spec.data.startswith(UPLOAD):
        path = uploads.path_of(store, uploads.find(store, None, spec.data))
        return foreign.from_zip(
            path, side=side, fit=spec.fit, name=data_title(spec, store), progress=progress
        )
    return load(spec.data, side=side, fit=spec.fit, progress=progress)


def data_title(spec: RunSpec, store: Store) -> str:
    """Name the data for a list of runs: the data set's title, or the upload's file name."""
    if spec.data.startswith(UPLOAD):
        return Path(uploads.find(store, None, spec.data).name).stem
    errors.one_of("The data set", spec.data, data_catalogue.DATASETS)
    return data_catalogue.DATASETS[spec.data].title


def run_title(config: Config, data: str) -> str:
    """Say in a few words what a run is: its strategy, with the depth where that is chosen, and its data."""
    if isinstance(config, SweepConfig):
        return f"All freeze depths · {data}"
    entry = catalogue.entry(config.backbone)
    depth = config.resolved(stages=len(entry.stages), image_size=entry.image_size).freeze_depth
    return f"{STRATEGIES[config.strategy].title.replace('depth k', f'depth {depth}')} · {data}"


def fetch_weights(config: Config, progress: OnProgress | None = None) -> None:
    """Download the weights that training starts from, where they are not here yet, saying how far it is."""
    if _needs_weights(config) and config.weights == "pretrained" and config.backbone != catalogue.BUILT_IN:
        from core.backbones import weights

        weights.downloaded(config.backbone, progress)


def starting_network(config: Config) -> "Backbone | None":
    """Load the pretrained network for a machine that lacks its weights' file; None where every copy has it."""
    if not _needs_weights(config) or (
        config.weights == "pretrained" and config.backbone == catalogue.BUILT_IN
    ):
        return None
    from core.backbones import stages, weights

    backbone = stages.build(config.backbone)
    weights.load_pretrained(backbone, config.weights)
    return backbone


def _needs_weights(config: Config) -> bool:
    return (
        isinstance(config, SweepConfig)
        or STRATEGIES[config.strategy].pretrained
        or config.strategy == "scratch_statistics"
    )


def events(
    config: FinetuneConfig,
    dataset: ImageDataset,
    checkpoint: dict[str, Any] | None,
    *,
    splits: Splits | None = None,
    backbone: "Backbone | None" = None,
) -> Iterator[Event]:
    """Train; a ``checkpoint`` is the state that an earlier part of the same run yielded.

    ``splits`` are the run's parts where they are drawn already (`draw_parts`). ``backbone``, of `starting_network`,
    takes the place of the weights' file.
    """
    from core.training.run import finetune

    return finetune(config, dataset, splits=splits, resume=checkpoint, backbone=backbone)


def sweep_events(
    config: SweepConfig, dataset: ImageDataset, done: Iterable[ArmDone], *, backbone: "Backbone | None" = None
) -> Iterator[Event]:
    """Measure all arms; ``done`` are those that an earlier part of the same sweep measured."""
    from core.training.sweep import sweep

    return sweep(config, dataset, done=done, backbone=backbone)


def check(spec: RunSpec, store: Store, visitor: str) -> None:
    """Refuse a specification whose backbone or data do not exist, before it waits in the queue for nothing."""
    entry = catalogue.entry(spec.config.backbone)
    if isinstance(spec.config, FinetuneConfig):
        spec.config.resolved(stages=len(entry.stages), image_size=image_side(spec.config))
    if spec.data.startswith(UPLOAD):
        uploads.find(store, visitor, spec.data)
    else:
        errors.one_of("The data set", spec.data, data_catalogue.DATASETS)
