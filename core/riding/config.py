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
    what: ClassVar[str] = "a comparison of riders"

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
        """Read what `to_json` wrote, of a version with fewer settings, too; unknown ones are a `SettingsError`."""
        for name in values:
            errors.one_of("A setting", name, sorted(cls.__dataclass_fields__))
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)
