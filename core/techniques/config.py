"""Which technique's experiment is to run, and with which settings, as plain values. Torch-free."""

from dataclasses import dataclass
from typing import Any, ClassVar

from core import errors
from core.techniques import catalogue
from core.techniques.technique import Settings, Technique


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """One run of one technique's experiment; `SettingsError` for a technique that is none."""

    kind: ClassVar[str] = "technique"
    what: ClassVar[str] = "an experiment"

    technique: str  # its name in the catalogue, also for a variant
    settings: Settings

    def __post_init__(self) -> None:
        catalogue.technique(self.technique)

    @property
    def entry(self) -> Technique:
        """The technique, or the variant that the settings ask for."""
        return catalogue.technique(self.technique).chosen(self.settings.to_json())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"technique": self.technique, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ExperimentConfig":
        """Read what `to_json` wrote, of a version with fewer settings, too; unknown ones are a `SettingsError`."""
        settings = values["settings"]
        kind = catalogue.technique(values["technique"]).chosen(settings).settings
        known = sorted(kind.__dataclass_fields__)
        for name in settings:
            errors.one_of("A setting", name, known)
        return cls(technique=values["technique"], settings=kind(**settings))
