"""What a run's states and phases are called, and how a page says that it waits, or why it ended."""

import streamlit as st

from core import words
from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame

_SOON = 2.0  # seconds
PAUSED = "The teacher has paused the queue."
# By state of `core.runs.store.runs.RunRecord`: the word, and Streamlit's colour of its badge.
STATES = {
    "queued": ("Waiting", "gray"),
    "running": ("Running", "orange"),
    "stopping": ("Stopping", "gray"),
    "finished": ("Finished", "green"),
    "failed": ("Failed", "red"),
    "stopped": ("Stopped", "gray"),
}

_PHASES = {
    "data": "Reading the pictures",
    "weights": "Fetching the pretrained weights",
    "cluster": "Waiting for a node of the cluster",
    "features": "Running the frozen stages once",
    "probe": "Solving the probe",
    "evaluate": "Measuring",
}


def phase(name: str) -> str:
    """Say what a run is doing that is no epoch; a name without words here is a sentence already."""
    return _PHASES.get(name, name[:1].upper() + name[1:])


def in_queue(record: RunRecord) -> str:
    """Say how long a run still waits, going by how long those ahead of it are expected to take."""
    if service.paused():
        return PAUSED
    wait = service.expected_wait(record.id)
    begins, what = ("Goes on", "Shorter runs pass first") if record.started is not None else ("Begins", "")
    if wait is None:
        begins = "Waits for runs that nobody can say the length of"
    elif wait < _SOON:
        return f"{begins} in a moment"
    else:
        begins += f" in {words.about(wait)}"
    return f"{what} · {begins.lower()}" if what else begins


def why_it_ended(record: RunRecord) -> None:
    """Draw why a run failed, or who stopped it."""
    if record.state == "stopped":
        st.info(frame.plain(record.error or ""), icon=":material/front_hand:")
    else:
        st.error(frame.plain(record.error or ""), icon=":material/error:")


def measured(record: RunRecord) -> str:
    """Say whether figures are those of a run that has ended."""
    ended = {"finished": "Measured", "stopped": "Stopped", "failed": "Ended with an error"}
    return ended.get(record.state, "Being measured now")
