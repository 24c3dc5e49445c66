"""Sharing on purpose: the owner of a run makes a link for others, and withdraws it."""

from urllib.parse import urlsplit

import streamlit as st

from core.runs import service
from widgets import frame
from widgets.runs.visible import VisibleRun


def draw(seen: VisibleRun, guests_see: str) -> None:
    """Draw the button for the owner, who reads what ``guests_see``; nothing for a guest."""
    if not seen.mine:
        return
    shared = seen.record.share
    with st.popover(
        "Shared" if shared else "Share",
        icon=":material/group:" if shared else ":material/share:",
        key="share",
    ):
        st.markdown(what(seen, guests_see))
        if shared is None:
            if st.button("Make the link", key="share_make", type="primary", icon=":material/add_link:"):
                service.share(seen.id, visitor=frame.visitor())
                st.rerun()
            return
        st.code(link(shared), language=None, wrap_lines=True)
        if st.button("Stop sharing", key="share_stop", icon=":material/link_off:"):
            service.unshare(seen.id, visitor=frame.visitor())
            st.rerun()
        st.caption("The link then opens nothing any more. What somebody has downloaded stays with them.")


def what(seen: VisibleRun, guests_see: str) -> str:
    """Say in one sentence who will see what."""
    kept = "the pictures that it learned from" if seen.own_pictures else "your other runs"
    return f"Everybody who has the link sees {guests_see}; nobody but you can change it, and {kept} stay yours alone."


def link(token: str) -> str:
    """Write the whole link as this visitor's browser sees the lab; without a browser, the end of it."""
    here = st.context.url
    if not here:
        return f"?run={token}"
    parts = urlsplit(here)
    return f"{parts.scheme}://{parts.netloc}{parts.path}?run={token}"
