"""Networks under the microscope: loaded once, shared by all visitors who look at the same."""

import dataclasses
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import RunError
from core.runs import results
from widgets.network_picker import PRETRAINED

if TYPE_CHECKING:
    from core.interpretation.specimen import Specimen

RUN, RANDOM = "run:", "random:"
NETWORKS_KEPT, EPOCHS_KEPT = 6, 4


@dataclass(frozen=True, kw_only=True)
class NetworkKey:
    """Which network: what `load` takes, and what caches know it by.

    ``name`` is a catalogue entry, ``random:ENTRY``, or ``run:ID`` after training. Whoever makes one has made sure that
    the visitor may see the run. ``version`` is when the run's result was written, since an extended run has new
    weights; ``epoch`` is one of the run's, 0 being before training, None its result. ``weights`` are the path of a
    visitor's own file, or "pretrained"; a path is never in an address. ``image_size`` in pixels; None: the usual one.
    """

    name: str
    weights: str = PRETRAINED
    version: float = 0.0
    epoch: int | None = None
    image_size: int | None = None

    @property
    def run(self) -> str | None:
        """The run's id; None for a network that no run trained."""
        return self.name.removeprefix(RUN) if self.name.startswith(RUN) else None

    @property
    def is_random(self) -> bool:
        """Whether the weights are random: the control."""
        return self.name.startswith(RANDOM)


def quick() -> AbstractContextManager[object]:
    """Open a context in which forward passes over many pictures run in bfloat16, where the processor is quicker so."""
    import torch

    from core.training import precision

    return precision.autocast(torch.device("cpu"))


def of_run(run_id: str) -> NetworkKey:
    """Name a run's network as it is now. Raises `RunError` where it is gone."""
    try:
        version = results.result_path(run_id).stat().st_mtime
    except OSError as error:
        raise RunError("The network of this run is no longer stored here.") from error
    return NetworkKey(name=RUN + run_id, version=version)


def load(key: NetworkKey) -> "Specimen":
    """Load a network, or find it loaded."""
    if key.image_size is not None:
        usual = load(dataclasses.replace(key, image_size=None))
        return dataclasses.replace(usual, image_size=key.image_size)
    return _loaded(key) if key.epoch is None else _loaded_epoch(key)


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner="Loading the network …")
def _loaded(key: NetworkKey) -> "Specimen":
    return load_unkept(key)


@st.cache_resource(max_entries=EPOCHS_KEPT, show_spinner="Loading the network …")
def _loaded_epoch(key: NetworkKey) -> "Specimen":
    return load_unkept(key)


def load_unkept(key: NetworkKey) -> "Specimen":
    """Load a network for the moment: all of a run's epochs together may be large."""
    from core.interpretation import specimen

    if key.run is None:
        if key.is_random:
            return specimen.random(key.name.removeprefix(RANDOM))
        return specimen.pretrained(key.name, key.weights)
    result = results.result(key.run)
    return specimen.specimen(
        results.network(key.run) if key.epoch is None else results.network_at(key.run, key.epoch),
        result.class_names,
        int(result.config["image_size"]),
    )
