"""The settings of a sweep over freeze depths, with their help texts and limits. Torch-free."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core import errors
from core.backbones import catalogue
from core.settings import check, setting
from core.training.config import (
    STATISTICS_HELP,
    FinetuneConfig,
    Statistics,
    check_device,
)

# How long a sweep, and the evidence behind the advice, trains: as many images in all as these say, so that five
# pictures a class are not stopped after five steps, nor five thousand seen ten times.
IMAGES_SEEN = (1_000, 3_200)  # at least, at most, unless two epochs are more than that
EPOCHS_WANTED = 10
FEWEST_EPOCHS = 2
MOST_EPOCHS = 60


def epochs_for(images: int) -> int:
    """How many epochs ``images`` training images get where nobody says otherwise."""
    least, most = IMAGES_SEEN
    wanted = min(max(EPOCHS_WANTED * images, least), most)
    return min(max(math.ceil(wanted / images), FEWEST_EPOCHS), MOST_EPOCHS)


@dataclass(frozen=True, kw_only=True, order=True)
class SweepArm:
    """One way to transfer that a sweep tries: a freeze depth, or LP-FT (which ends with nothing frozen)."""

    depth: int
    strategy: Literal["freeze_to_depth", "lp_ft"] = "freeze_to_depth"

    @property
    def name(self) -> str:
        """Its short name in tables and logs: ``k3``, ``lp_ft``."""
        return "lp_ft" if self.strategy == "lp_ft" else f"k{self.depth}"

    @classmethod
    def named(cls, name: str) -> "SweepArm":
        """Read `name` back."""
        return LP_FT if name == "lp_ft" else cls(depth=int(name.removeprefix("k")))


LP_FT = SweepArm(depth=0, strategy="lp_ft")


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """Every freeze depth of one network on one data set, with several seeds."""

    kind: ClassVar[str] = "sweep"
    what: ClassVar[str] = "a sweep over freeze depths"

    backbone: str = setting(catalogue.DEFAULT, "The pretrained network that every depth starts from.")
    weights: str = setting("pretrained", "'pretrained', or the path of a local .safetensors or .pth file.")
    per_class: int | None = setting(
        None, "Training images per class, drawn anew by each seed; empty means all.", 1, 1_000_000
    )
    seeds: int = setting(
        3, "How often every depth is trained: other images, another head, another order.", 1, 20
    )
    epochs: int | None = setting(
        None, "How often the training images are seen; empty: about 1,000 to 3,200 images in all.", 1, 1000
    )
    batch_size: int = setting(32, "Images per step.", 2, 4096)
    image_size: int | None = setting(None, "Side of the square that the network sees, in pixels.", 16, 1024)
    lp_ft: bool = setting(True, "Try a linear probe followed by full fine-tuning, too.")
    head: Literal["auto", "random", "probe"] = setting(
        "auto",
        "What the head starts from: random weights or a linear probe; 'auto' is a probe for networks without "
        "normalisation layers.",
    )
    statistics: Statistics = setting("recomputed", STATISTICS_HELP)
    racing: bool = setting(False, "From the second seed on, leave out what has clearly lost.")
    first_seed: int = setting(
        0, "The first of the seeds; it also draws the test part where there is none.", 0, 2**31 - 1
    )
    device: str = setting("auto", "'auto', 'cpu', 'cuda', or one GPU by its number: 'cuda:0'.")

    def __post_init__(self) -> None:
        check(self)
        check_device(self.device)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "SweepConfig":
        """Rebuild a configuration, one from before a setting existed, too; an unknown setting is a `SettingsError`."""
        known = {one.name for one in dataclasses.fields(cls)}
        for name in values:
            errors.one_of("A setting", name, sorted(known))
        return cls(**({"statistics": "running"} | values))

    def arms(self, stages: int, *, probe_head: bool) -> tuple[SweepArm, ...]:
        """What is tried with a network of ``stages`` stages: the depths from 0 to all, then LP-FT.

        Where every head starts from the probe, depth 0 is LP-FT.
        """
        extra = (LP_FT,) if self.lp_ft and not probe_head else ()
        return (*(SweepArm(depth=depth) for depth in range(stages + 1)), *extra)

    def run_of(
        self, arm: SweepArm, *, seed: int, epochs: int, stages: int, image_size: int, probe_head: bool
    ) -> FinetuneConfig:
        """Return the resolved settings of the single run that ``arm`` stands for."""
        from_probe = arm.strategy == "lp_ft" or (probe_head and arm.depth < stages)
        return FinetuneConfig(
            backbone=self.backbone,
            weights=self.weights,
            strategy="lp_ft" if from_probe else "freeze_to_depth",
            freeze_depth=arm.depth,
            per_class=self.per_class,
            statistics=self.statistics,
            epochs=1 if arm.depth == stages else epochs,
            batch_size=self.batch_size,
            seed=seed,
            device=self.device,
        ).resolved(stages=stages, image_size=image_size)
