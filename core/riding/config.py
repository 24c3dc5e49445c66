"""What riders are asked to learn, as plain values. Torch-free."""

from dataclasses import dataclass
from typing import Any, ClassVar

from core import codec, errors
from core.riding import experiment
from core.riding.machines import machine


@dataclass(frozen=True, kw_only=True)
class RidingConfig:
    """Who learns which machine, as `core.riding.experiment.run` takes it; out of range is a `SettingsError`."""

    kind: ClassVar[str] = "riding"
    what: ClassVar[str] = "riders who learn"

    arms: tuple[str, ...]  # of `experiment.ARMS`
    seeds: tuple[int, ...]
    target: str = "motorcycle"
    tests: tuple[int, ...] = tuple(experiment.TESTS)

    def __post_init__(self) -> None:
        experiment.check(self.arms, self.seeds, self.tests)
        machine(self.target)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values: dict[str, Any] = codec.plain(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RidingConfig":
        """Read what `to_json` wrote."""
        try:
            return codec.read(cls, values)
        except ValueError as error:
            raise errors.SettingsError(f"These are no settings for riders: {error}.") from error
