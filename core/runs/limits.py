"""What one visitor, all visitors and one run may use up: defaults, the host's environment, the teacher's wish.

Whoever runs the host sets ``TLL_RUNS_PER_VISITOR`` and so on (the field's name in capitals); what a teacher sets on
the teacher's page is kept in the run store and wins. Torch-free.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from core.environment import Variable
from core.settings import check, described, setting

_SETTING = "limits"
_DAY_SECONDS = 86_400.0
_MACHINES_SHARE = 0.75  # of the memory there is, for the worker; pages and the system need the rest
# Where a container is given less memory than its machine has, this file says so (Linux, cgroups 2).
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


class SettingsStore(Protocol):
    """Where a teacher's wish is kept: the run store."""

    def setting(self, name: str) -> str | None:
        """Read what was last set under ``name``, or None."""

    def set_setting(self, name: str, value: str | None) -> None:
        """Set ``name``; None forgets it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is allowed; out of range is a `SettingsError`."""

    runs_per_visitor: int = setting(8, low=1, high=100, title="Runs of one visitor, waiting or running")
    runs_in_all: int = setting(300, low=1, high=10_000, title="Runs of everybody, waiting or running")
    minutes_per_run: int = setting(120, low=1, high=10_000, title="Minutes that a run may take at a stretch")
    megabytes_per_run: int = setting(
        0, "0: three quarters of the machine's.", 0, 4_000_000, title="Megabytes of memory that a run may use"
    )
    upload_megabytes_per_visitor: int = setting(
        1_000, low=1, high=1_000_000, title="Megabytes of one visitor's pictures and weights"
    )
    upload_megabytes_in_all: int = setting(
        20_000, low=1, high=100_000_000, title="Megabytes of everybody's pictures and weights"
    )
    upload_days: int = setting(14, low=1, high=3_650, title="Days that pictures are kept")
    run_megabytes_per_visitor: int = setting(
        10_000, low=1, high=100_000_000, title="Megabytes of the disk for one visitor's runs"
    )
    run_days: int = setting(
        0, "0: until it is deleted.", 0, 3_650, title="Days that a run is kept after its end"
    )

    def __post_init__(self) -> None:
        check(self, by_title=True)

    @property
    def memory(self) -> int:
        """Bytes of memory that a run may use."""
        return self.megabytes_per_run * 1_000_000 or int(_MACHINES_SHARE * machine_memory())

    @property
    def upload_seconds(self) -> float:
        """How long pictures are kept."""
        return _DAY_SECONDS * self.upload_days

    @property
    def run_seconds(self) -> float:
        """How long a run is kept after it has ended; infinite where that is not limited."""
        return _DAY_SECONDS * self.run_days if self.run_days else math.inf


# By the limit's name; what is out of range, `Limits` says.
VARIABLES = {
    name: Variable(name=f"TLL_{name.upper()}", without=f"{limit.default:,}", help=limit.title)
    for name, limit in described(Limits).items()
}


def limits(store: SettingsStore) -> Limits:
    """Read what holds now."""
    return Limits(**(_from_environment() | _from_teacher(store)))


def set_limits(store: SettingsStore, chosen: Limits) -> None:
    """Keep what a teacher wants; only what differs from the host's own limits, which may change later."""
    of_host = Limits(**_from_environment())
    changed = {
        field.name: getattr(chosen, field.name)
        for field in dataclasses.fields(chosen)
        if getattr(chosen, field.name) != getattr(of_host, field.name)
    }
    store.set_setting(_SETTING, json.dumps(changed) if changed else None)


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process lives in."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(_CONTAINER.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such file, or "max"
        return total


def _from_environment() -> dict[str, int]:
    return {name: variable.whole_number() for name, variable in VARIABLES.items() if variable.text()}


def _from_teacher(store: SettingsStore) -> dict[str, int]:
    kept: dict[str, int] = json.loads(store.setting(_SETTING) or "{}")
    known = {field.name for field in dataclasses.fields(Limits)}
    return {name: value for name, value in kept.items() if name in known}  # a limit may go in a later version
