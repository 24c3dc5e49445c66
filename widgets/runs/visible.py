"""The run that an address names, for whoever looks at it: its owner, or a guest with a link that the owner shares."""

from dataclasses import dataclass

import streamlit as st

from core import errors
from core.runs import service
from core.runs.store.runs import RunRecord
from widgets import frame

GUEST = "Shared with you: you can look, not change."


@dataclass(frozen=True, kw_only=True)
class VisibleRun:
    """A run as one visitor may see it; ``address`` is what stands in links to it from here.

    For its owner that is its id. For a guest it is the shared link's token: the id is never shown to others, and a
    link that was copied on ends with the sharing.
    """

    record: RunRecord
    address: str
    mine: bool

    @property
    def id(self) -> str:
        """The run's id, for the functions that read it; never for a link."""
        return self.record.id

    @property
    def own_pictures(self) -> bool:
        """Whether it learned from pictures that a visitor brought: a shared link does not give those away."""
        return self.record.spec.own_pictures


def visible_run(address: str, visitor: str | None = None) -> VisibleRun:
    """Look a run up, anew at every call, so that a link that is withdrawn ends at once; else a `RunError`.

    Where no page is being drawn (a download that starts), say who asks.
    """
    visitor = visitor or frame.visitor()
    record = service.readable(address, visitor)
    mine = record.visitor == visitor
    return VisibleRun(record=record, address=record.id if mine else address, mine=mine)


def still_visible(address: str) -> VisibleRun:
    """Look a run up again, in a part of the page; where it is deleted or no longer shared, the whole page goes."""
    try:
        return visible_run(address)
    except errors.RunError:
        st.rerun()


def guest_line(seen: VisibleRun) -> None:
    """Say to a guest that this is somebody else's."""
    if not seen.mine:
        st.caption(f":material/visibility: {GUEST}")
