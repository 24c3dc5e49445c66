"""The visitor's earlier runs; two or more can be laid side by side."""

from contextlib import suppress

import streamlit as st

from core.runs import service
from core.runs.limits import Limits
from core.runs.store.runs import RunRecord
from core.runs.teacher import RefusedError, secret
from widgets import frame, local_time
from widgets.runs import comparison, delete
from widgets.runs.kinds import VIEWS
from widgets.runs.state import STATES

PER_PAGE = 12
MOST_COMPARED = 6


def draw() -> None:
    """Draw the list, and what was picked from it side by side."""
    st.title("Runs", anchor=False)
    records = service.runs_of(frame.visitor())
    if not records:
        st.markdown("Nothing here yet.")
        if st.button("Fine-tune your first network", type="primary", key="first_button"):
            st.switch_page(frame.page("finetune"))
        return
    _known_as()
    controls = st.toggle("Show from-scratch controls", key="show_controls", persist_state="session")
    shown = [one for one in records if controls or one.control_of is None]
    page = 1
    if len(shown) > PER_PAGE:
        page = st.pagination(-(-len(shown) // PER_PAGE), key="runs_page")
    now = service.limits()
    with st.container(key="run_list"):
        ticked = [one for one in shown[(page - 1) * PER_PAGE : page * PER_PAGE] if _row(one, now)]
    _room(now)
    if ticked:
        many = "this run" if len(ticked) == 1 else f"these {len(ticked)} runs"
        delete.draw(ticked, f"Delete {many}", "Weights, curves and pictures are gone for good.")
    picked = [one for one in ticked if comparison.comparable(one)]
    if len(picked) < 2:
        st.caption("Tick two or more finished runs to lay them side by side, or any to delete them.")
    else:
        st.header("Side by side", anchor=False)
        with frame.shown_errors():
            comparison.draw(picked[:MOST_COMPARED])


def _known_as() -> None:
    """Where there is a teacher, say what the teacher calls this visitor."""
    with suppress(RefusedError):
        secret()
        st.caption(
            f"In the teacher's list you are the **{service.known_as(frame.visitor())}**; nobody else sees your runs, "
            "unless you share one."
        )


def _room(now: Limits) -> None:
    """Say what the runs take of the disk, and how long they are kept where that is limited."""
    used, allowed = service.run_room(frame.visitor())
    says = f"Your runs take {used / 1e6:,.0f} of the {allowed / 1e6:,.0f} MB that they may take here."
    if now.run_days:
        days = "day" if now.run_days == 1 else "days"
        says += f" A run is deleted {now.run_days} {days} after it has ended."
    st.caption(says)


def _row(record: RunRecord, now: Limits) -> bool:
    """Draw one run; tell whether it is ticked."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"row_{record.id}"):
        ticked = st.checkbox(
            "Pick",
            key=f"pick_{record.id}",
            label_visibility="collapsed",
            disabled=record.active,
        )
        st.page_link(
            frame.page("run"),
            label=f"**{frame.plain(record.title)}**",
            query_params={"run": record.id},
        )
        if record.share is not None:
            st.badge("Shared", icon=":material/group:", color="blue")
        st.caption(_facts(record, now))
    return ticked


def _facts(record: RunRecord, now: Limits) -> str:
    when = local_time.day_and_hour(record.created)
    if now.run_days and not record.active:
        until = (record.finished or record.created) + now.run_seconds
        when += local_time.local(until).strftime(" · kept until %d %b")
    if record.summary is None or record.state != "finished":
        return f"{STATES[record.state][0]} · {when}"
    when += " · **with a caveat**" if record.summary.get("caveats") else ""
    return f"{VIEWS[record.spec.kind].facts(record)} · {when}"
