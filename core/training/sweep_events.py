"""What a sweep says while it goes, beside `Progress` and `Note`. Torch-free."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class SweepStarted(Event):
    """The settings, and what they mean for this data set."""

    kind: ClassVar[str] = "sweep_started"
    config: dict[str, Any]
    data_name: str
    data_fingerprint: str
    class_names: tuple[str, ...]
    images: dict[str, int]  # {"train": of one seed, "test": …}
    stages: tuple[str, ...]
    arms: tuple[str, ...]  # `Arm.name` each
    seeds: tuple[int, ...]
    epochs: int
    chance: float  # accuracy of always naming the most frequent test class
    device: str
    precision: str
    probe_head: bool = False  # every head starts from a linear probe
    reading: dict[str, Any] = field(default_factory=dict)  # of pictures: `PictureReading.to_json`
    caveats: tuple[str, ...] = ()  # of the data: said wherever an accuracy is


@dataclass(frozen=True, kw_only=True)
class CachesReady(Event):
    """The one pass through the network is done: what stands before every stage is kept, for all images."""

    kind: ClassVar[str] = "caches"
    seconds: tuple[float, ...]  # to get from the pixels to each depth 0 … K, cumulated
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ArmDone(Event):
    """One arm trained with one seed, and tested. All it takes to resume is a list of these."""

    kind: ClassVar[str] = "arm"
    arm: str
    seed: int
    accuracy: float  # on the test images, 0-1, after the last epoch
    hits: str  # which test images were right: hex of `numpy.packbits`
    seconds: float  # training and testing, from the caches on


@dataclass(frozen=True, kw_only=True)
class ArmDropped(Event):
    """Racing: this arm is not trained with further seeds."""

    kind: ClassVar[str] = "dropped"
    arm: str
    after_seed: int
    behind: str  # the arm that it lost to
    p_value: float


@dataclass(frozen=True, kw_only=True)
class SweepFinished(Event):
    """All arms are measured; the figures are read out of the `ArmDone` events (`sweep_report.report`)."""

    kind: ClassVar[str] = "sweep_finished"
    seconds: float
    seconds_by_phase: dict[str, float]
    peak_memory_bytes: int


EVENTS: tuple[type[Event], ...] = (SweepStarted, CachesReady, ArmDone, ArmDropped, SweepFinished)
