"""What a job is: a fine-tuning or a sweep, its data, and the control that belongs to it. Plain values. Torch-free."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from core import errors
from core.images.to_rgb import FITS
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.sweep_config import SweepConfig

UPLOAD = "upload:"  # how a reference to a stored upload begins; any other reference names a data set


NO_SINGLE_RUN = "This is a sweep over freeze depths, not a single run; fine-tune at one depth for that."

Config = FinetuneConfig | SweepConfig
Kind = Literal["finetune", "sweep"]


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run: ``data`` is a catalogue name or what `service.store_upload` returned; ``fit`` is how its pictures become
    squares (`core.images.to_rgb.PictureReading`).
    """

    config: Config
    data: str
    fit: str = "crop"
    title: str = ""
    control_of: str | None = None

    def __post_init__(self) -> None:
        if not self.data:
            raise errors.DataError("Choose a data set first.")
        errors.one_of("fit", self.fit, FITS)

    @property
    def kind(self) -> Kind:
        """What the settings ask for."""
        return "sweep" if isinstance(self.config, SweepConfig) else "finetune"

    @property
    def finetune(self) -> FinetuneConfig:
        """The settings of a fine-tuning; a `RunError` for a sweep, which has no network, no curves, no seed."""
        if isinstance(self.config, SweepConfig):
            raise errors.RunError(NO_SINGLE_RUN)
        return self.config

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``; "kind" says what the settings are."""
        return {"kind": self.kind, **dataclasses.asdict(self), "config": self.config.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RunSpec":
        """Rebuild a specification, one from before there were kinds, too; unknown settings are a `SettingsError`."""
        kind = values.get("kind", "finetune")
        errors.one_of("The kind of a job", kind, _CONFIGS)
        plain = {name: value for name, value in values.items() if name != "kind"}
        return cls(**(plain | {"config": _CONFIGS[kind].from_json(values["config"])}))


_CONFIGS: dict[str, type[FinetuneConfig] | type[SweepConfig]] = {
    "finetune": FinetuneConfig,
    "sweep": SweepConfig,
}


def epochs_of(config: FinetuneConfig) -> int:
    """Read the epochs that a configuration asks for, its strategy's default included."""
    return STRATEGIES[config.strategy].epochs if config.epochs is None else config.epochs


def has_control(config: Config) -> bool:
    """Tell whether a from-scratch run would say anything new beside this one; a sweep's arms are its controls."""
    return isinstance(config, FinetuneConfig) and config.strategy != "scratch"


def control_spec(spec: RunSpec, control_of: str) -> RunSpec:
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
    return RunSpec(
        config=control,
        data=spec.data,
        fit=spec.fit,
        title=f"{spec.title} (from scratch)",
        control_of=control_of,
    )
