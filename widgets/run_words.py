"""What every view of a job calls its states, how often it looks, and how it says that a job waits or why it ended."""

import streamlit as st

from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame

POLL_SECONDS = 1.0
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


def poll_seconds(*records: RunRecord | None) -> float | None:
    """Say how often a view of these jobs looks again; None where nothing changes by itself any more."""
    active = [one for one in records if one is not None and one.active]
    if not active:
        return None
    far = all(one.state == "queued" and (one.position or 1) > 1 for one in active)
    return WAITING_POLL_SECONDS if far else POLL_SECONDS


def in_queue(record: RunRecord) -> str:
    """Say where a waiting run stands and how long that will take, going by runs that were measured."""
    place = record.position or 1
    wait = service.expected_wait(record.id)
    says = f"Place {place} in the queue"
    if service.paused():
        return f"{says} · {PAUSED}"
    if place == 1 and (wait is None or wait < 1):
        return "Starts in a moment"
    return says if wait is None else f"{says} · {expected(wait)}, going by the last runs"


def expected(seconds: float) -> str:
    """Write how long something takes that nobody knows exactly."""
    return "a few seconds" if seconds < 5 else f"about {spoken(seconds)}"


def spoken(seconds: float) -> str:
    """Write a stretch of time no finer than one wants to know it."""
    if seconds < 100:
        return f"{10 * max(1, round(seconds / 10)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def why_it_ended(record: RunRecord) -> None:
    """Say why a run failed, or who stopped it."""
    if record.state == "stopped":
        st.info(frame.plain(record.error or ""), icon=":material/front_hand:")
    else:
        st.error(frame.plain(record.error or ""), icon=":material/error:")
