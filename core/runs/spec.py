"""What a run is asked to do: settings of some kind, and the data that it learns from. Plain values. Torch-free."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from core import errors
from core.images.to_rgb import FITS
from core.training.config import FinetuneConfig

UPLOAD = "upload:"  # how a reference to a stored upload begins; any other reference names a data set


class RunConfig(Protocol):
    """Settings of some kind of run: a frozen dataclass of plain values, checked when it is made."""

    kind: ClassVar[str]  # its name in `core.runs.kinds.table`
    what: ClassVar[str]  # "a sweep over freeze depths"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        ...


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run: ``data`` is a catalogue name or what `service.store_upload` returned, empty for a kind that needs none.

    ``fit`` is how its pictures become squares (`core.images.to_rgb.PictureReading`).
    """

    config: RunConfig
    data: str = ""
    fit: str = "crop"
    title: str = ""

    def __post_init__(self) -> None:
        errors.one_of("fit", self.fit, FITS)

    @property
    def kind(self) -> str:
        """What the settings ask for."""
        return self.config.kind

    @property
    def finetune(self) -> FinetuneConfig:
        """The settings of a fine-tuning; a `RunError` for other kinds, which have no network, no curves, no seed."""
        if not isinstance(self.config, FinetuneConfig):
            why = "a single run; fine-tune at one depth for that" if self.kind == "sweep" else "a fine-tuning"
            raise errors.RunError(f"This is {self.config.what}, not {why}.")
        return self.config

    @property
    def own_pictures(self) -> bool:
        """Whether it learns from pictures that a visitor brought."""
        return self.data.startswith(UPLOAD)

    @property
    def hash(self) -> str:
        """Tell whether two runs do the same: settings, data and fit; not what they are called."""
        same = {"kind": self.kind, "config": self.config.to_json(), "data": self.data, "fit": self.fit}
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``; `core.runs.kinds.table.read_spec` reads them back."""
        return {
            "kind": self.kind,
            "config": self.config.to_json(),
            "data": self.data,
            "fit": self.fit,
            "title": self.title,
        }
