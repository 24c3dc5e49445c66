"""What every view of a run calls its states and phases, how often it looks, and how it says that a run waits or why
it ended.
"""

import streamlit as st

from core import words
from core.runs import service
from core.runs.kinds import table
from core.runs.kinds.lanes import TRAINING
from core.runs.store.runs import RunRecord
from widgets import frame

POLL_SECONDS = 1.0
WATCHED_POLL_SECONDS = 0.4  # of runs that take seconds, or a minute
WAITING_POLL_SECONDS = 3.0  # a class that waits in the queue must not keep the server busy with looking
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


def poll_seconds(*records: RunRecord | None) -> float | None:
    """Say how often a view of these runs looks again; None where nothing changes by itself any more."""
    active = [one for one in records if one is not None and one.active]
    if not active:
        return None
    far = all(one.state == "queued" and (one.position or 1) > 1 for one in active)
    if far:
        return WAITING_POLL_SECONDS
    training = any(table.kind(record.spec).lane == TRAINING for record in active)
    return POLL_SECONDS if training else WATCHED_POLL_SECONDS


def in_queue(record: RunRecord) -> str:
    """Say where a waiting run stands and how long that will take, going by runs that were measured."""
    place = record.position or 1
    wait = service.expected_wait(record.id)
    says = f"Place {place} in the queue"
    if service.paused():
        return f"{says} · {PAUSED}"
    if place == 1 and (wait is None or wait < 1):
        return "Starts in a moment"
    return says if wait is None else f"{says} · {words.about(wait)}, going by the last runs"


def why_it_ended(record: RunRecord) -> None:
    """Say why a run failed, or who stopped it."""
    if record.state == "stopped":
        st.info(frame.plain(record.error or ""), icon=":material/front_hand:")
    else:
        st.error(frame.plain(record.error or ""), icon=":material/error:")
