"""The logs of runs that a session watches: read on from where its last look ended."""

import streamlit as st

from core.runs import service
from core.runs.kinds import table
from core.runs.kinds.kind import Shown
from core.runs.store.runs import RunRecord

MOST = 32  # logs that a session keeps in memory: on the teacher's page a whole day's runs go by


def follow(record: RunRecord) -> Shown:
    """Take what is new in a run's log into the session's view of it; the one not seen for longest goes."""
    followed: dict[str, tuple[Shown, int]] = st.session_state.setdefault("followed", {})
    if record.id not in followed:
        followed[record.id] = (table.kind(record.spec).shown(record.spec.config), 0)
    shown, offset = followed.pop(record.id)
    while True:
        lines, offset = service.events(record.id, offset)
        if not lines:
            break
        shown.absorb(lines)
    followed[record.id] = (shown, offset)
    while len(followed) > MOST:
        followed.pop(next(iter(followed)))
    return shown
