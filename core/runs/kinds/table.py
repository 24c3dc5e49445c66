"""Every kind of run there is. Torch-free."""

from typing import Any

from core import errors
from core.runs.kinds.finetuning import Finetuning
from core.runs.kinds.kind import Kind
from core.runs.kinds.lanes import Lane
from core.runs.kinds.riding import Riding
from core.runs.kinds.sweep import Sweep
from core.runs.kinds.technique import Experiment
from core.runs.spec import RunSpec

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Finetuning(), Sweep(), Experiment(), Riding())}


def kind(spec: RunSpec) -> Kind:
    """Look up what a specification asks for."""
    return KINDS[spec.kind]


def in_lane(lane: Lane) -> tuple[Kind, ...]:
    """List the kinds that wait in a lane."""
    return tuple(kind for kind in KINDS.values() if kind.lane == lane)


def read_spec(values: dict[str, Any]) -> RunSpec:
    """Rebuild a specification, one from before there were kinds, too; unknown settings are a `SettingsError`."""
    name = values.get("kind", "finetune")
    errors.one_of("The kind of a run", name, KINDS)
    rest = {key: values[key] for key in ("data", "fit", "title") if key in values}
    return RunSpec(config=KINDS[name].read_config(values["config"]), **rest)
