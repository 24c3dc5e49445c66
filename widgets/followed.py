"""The logs of runs that a session watches: read on from where its last look ended."""

from typing import Protocol, TypeVar

import streamlit as st

from core.runs import service

MOST = 32  # logs that a session keeps in memory: on the teacher's page a whole day's runs go by


class _Timeline(Protocol):
    def absorb(self, events: list[dict[str, object]]) -> None: ...


Found = TypeVar("Found", bound=_Timeline)


def follow(run_id: str, kind: type[Found]) -> Found:
    """Take what is new in a run's log into the session's timeline of it; the one not seen for longest goes."""
    followed: dict[tuple[str, str], tuple[Found, int]] = st.session_state.setdefault("followed", {})
    timeline, offset = followed.pop((kind.__name__, run_id), None) or (kind(), 0)
    while True:
        events, offset = service.events(run_id, offset)
        if not events:
            break
        timeline.absorb(events)
    followed[kind.__name__, run_id] = (timeline, offset)
    while len(followed) > MOST:
        followed.pop(next(iter(followed)))
    return timeline
