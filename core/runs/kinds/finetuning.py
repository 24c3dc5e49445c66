"""Fine-tuning: one network, one data set, one strategy, and the same network from scratch beside it. Torch-free."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.backbones import catalogue
from core.events import CheckpointReady, Event, OnProgress, Progress
from core.runs.files import checkpoint
from core.runs.kinds import pretrained
from core.runs.kinds.finetuning_files import FinetuningFiles, thumbnails
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.kind import Kind, Shown, Work
from core.runs.kinds.lanes import TRAINING, Lane
from core.runs.spec import RunSpec
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import BatchDone, Finished

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone


class Finetuning(Kind):
    """A fine-tuning, as `core.training.run.finetune` does it."""

    name: ClassVar[str] = "finetune"
    lane: ClassVar[Lane] = TRAINING
    pictures: ClassVar[bool] = True
    imports: ClassVar[tuple[str, ...]] = ("sklearn.linear_model", "core.training.run")
    last: ClassVar[type[Event]] = Finished
    passing: ClassVar[tuple[type[Event], ...]] = (Progress, BatchDone)

    def read_config(self, values: dict[str, Any]) -> FinetuneConfig:
        """Rebuild settings, from before one of them existed, too."""
        return FinetuneConfig.from_json(values)

    def check(self, config: FinetuneConfig) -> None:
        """Refuse a network that does not exist, and a depth that it does not have."""
        entry = catalogue.entry(config.backbone)
        config.resolved(stages=len(entry.stages), image_size=pretrained.image_side(config))

    def title(self, config: FinetuneConfig, data: str) -> str:
        """Name the strategy, with the depth where that is chosen, and the data."""
        entry = catalogue.entry(config.backbone)
        depth = config.resolved(stages=len(entry.stages), image_size=entry.finetune_size).freeze_depth
        return f"{STRATEGIES[config.strategy].title.replace('depth k', f'depth {depth}')} · {data}"

    def control(self, spec: RunSpec) -> RunSpec | None:
        """Describe the from-scratch run with the same budget; None where this is one."""
        return control_spec(spec) if spec.finetune.strategy != "scratch" else None

    def prepare(self, config: FinetuneConfig, progress: OnProgress) -> None:
        """Download the pretrained weights, where they are not here yet."""
        pretrained.fetch(config, progress)

    def starting_network(self, config: FinetuneConfig) -> "Backbone | None":
        """Load the pretrained network for a node of a cluster."""
        return pretrained.network(config)

    def events(self, work: Work) -> Iterator[Event]:
        """Train, or go on from a checkpoint's state."""
        from core.training.run import finetune

        assert work.dataset is not None
        told = finetune(
            work.config, work.dataset, splits=work.splits, resume=work.earlier, backbone=work.backbone
        )
        with contextlib.closing(told):
            for event in told:
                if isinstance(event, Finished):  # small before they travel
                    yield dataclasses.replace(event, test_images=thumbnails(event.test_images))
                else:
                    yield event

    def earlier(self, directory: Path, shown: Shown) -> dict[str, Any] | None:
        """Read the state of the last checkpoint; None where the run begins anew."""
        found = checkpoint.read(directory)
        return None if found is None else found[1]

    def went_on(self, earlier: Any, event: Event) -> Any:
        """Go on from the newest checkpoint."""
        return event.state if isinstance(event, CheckpointReady) else earlier

    def epoch_of(self, earlier: dict[str, Any] | None) -> int:
        """Read the epoch of a checkpoint."""
        return 0 if earlier is None else int(earlier["epoch"])

    def shown(self, config: FinetuneConfig) -> Timeline:
        """Begin with nothing told."""
        return Timeline()

    def files(self, directory: Path, resumed_from: int) -> FinetuningFiles:
        """Keep snapshots, the finished network and its test images."""
        return FinetuningFiles(directory, resumed_from)

    def result(self, title: str, shown: Timeline) -> dict[str, Any]:
        """Gather settings, curves, figures, audit and cost."""
        return RunResult.of(title, shown).to_json()

    def summary(self, shown: Timeline) -> dict[str, Any]:
        """Pick accuracy with its interval (0-1), seconds, epochs."""
        return RunResult.of("", shown).summary()


def epochs_of(config: FinetuneConfig) -> int:
    """Read the epochs that a configuration asks for, its strategy's default included."""
    return STRATEGIES[config.strategy].epochs if config.epochs is None else config.epochs


def control_spec(spec: RunSpec) -> RunSpec:
    """Describe the from-scratch control of ``spec``: same network, images, seed and budget, random weights.

    The budget is epochs, views, batch size, image size and images per class; how steps are taken is the
    from-scratch default, since the main run's gentle rate would starve a random network. A linear probe is
    solved, not trained for epochs, so its control gets the from-scratch default of epochs.
    """
    config = spec.finetune
    probe = config.strategy == "linear_probe"
    control = FinetuneConfig(
        backbone=config.backbone,
        strategy="scratch",
        head=config.head,
        head_width=config.head_width,
        head_dropout=config.head_dropout,
        per_class=config.per_class,
        epochs=STRATEGIES["scratch"].epochs if probe else epochs_of(config),
        statistics=config.statistics,
        batch_size=config.batch_size,
        image_size=config.image_size,
        views=None if probe else config.views,
        seed=config.seed,
        device=config.device,
    )
    return dataclasses.replace(spec, config=control, title=f"{spec.title} (from scratch)")
