"""What the class is doing: the runs being worked on and those that wait; the teacher may hold them all, or stop one."""

import hashlib
import time
from collections import Counter
from contextlib import suppress

import streamlit as st
from streamlit import runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY

from core import errors, words
from core.runs import service
from core.runs.pseudonym import network_name
from core.runs.store.runs import RunRecord
from core.runs.teacher import STOPPED
from widgets import frame
from widgets.runs.follow import follow
from widgets.runs.kinds import VIEWS
from widgets.runs.state import STATES
from widgets.teacher.sign_in import signed_in

MOST_WAITING = 20  # that have a button each; the whole list is a table


def draw() -> None:
    """Draw the numbers, the pause button and both lists."""
    records = service.active()
    waiting = [one for one in records if one.state == "queued"]
    working = [one for one in records if one.state != "queued"]
    _numbers(len(waiting), len(working), len({one.visitor for one in records}))
    if records and not service.paused():
        left = service.done_in()
        st.caption(
            "Nobody can say yet when all of it is done."
            if left is None
            else f"All of it, controls included, is done in {words.about(left)}, if nothing is added."
        )
    _pause(bool(waiting))
    st.markdown("**Being worked on**")
    for one in working:
        _working(one)
    if not working:
        st.caption("Nothing at the moment.")
    st.markdown("**Waiting, in the order in which they begin**")
    with st.container(gap="xsmall"):
        for one in waiting[:MOST_WAITING]:
            _waiting(one)
    if not waiting:
        st.caption("Nobody waits.")
        return
    if len(waiting) > MOST_WAITING:
        st.caption(f"… and {len(waiting) - MOST_WAITING} more, in the whole list")
    _whole(waiting)


def title(record: RunRecord) -> str:
    """Name a run without what its owner has named: whose pictures are their own may have called them anything."""
    if not record.spec.own_pictures:
        return record.title
    what = record.title.rpartition(": ")[2] if ": " in record.title else ""
    return f"Own pictures: {what}" if what else "Own pictures"


def open_tabs() -> int | None:
    """Count the browser tabs that are connected; None where nobody knows."""
    if not runtime.exists():
        return None
    found = runtime.get_instance().stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY])
    values = [getattr(one, "value", None) for one in found.get(ACTIVE_SESSIONS_FAMILY, ())]
    return sum(int(one) for one in values if one is not None) if values else None


def _whole(waiting: list[RunRecord]) -> None:
    """Draw all that waits as a table, and what stops everything of one visitor, or of one network."""
    with st.expander(
        "The whole list, and who takes many places", key="teacher_whole", on_change="rerun"
    ) as whole:
        if not whole.open:
            return
        now = time.time()
        st.dataframe(
            {
                "Place": [one.position for one in waiting],
                "Who": [_who(one) for one in waiting],
                "From": [_from(one) for one in waiting],
                "What": [title(one) for one in waiting],
                "Control": [one.control_of is not None for one in waiting],
                "Minutes since asked": [round((now - one.created) / 60, 1) for one in waiting],
            },
            hide_index=True,
            key="teacher_list",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            count = Counter(name for one in waiting for name in (_who(one), _from(one)))
            whose = st.selectbox(
                "Stop all that waits of",
                [name for name, _ in count.most_common()],
                index=None,
                placeholder="a visitor or a network",
                key="teacher_stop_whose",
            )
            if whose is not None:
                st.button(
                    f"Stop all {count[whose]}" if count[whose] > 1 else "Stop the one",
                    icon=":material/stop_circle:",
                    key="teacher_stop_all",
                    help="Their owners read that the teacher has stopped them, and may let them go on.",
                    on_click=_end_all,
                    args=(whose,),
                )
        st.caption(
            "Behind one school's router everybody comes from one network, so a network can be a whole class. The "
            "addresses themselves are not kept."
        )


def _end_all(whose: str) -> None:
    if not signed_in():
        return
    waiting = [one for one in service.active() if one.state == "queued"]
    for visitor in {one.visitor for one in waiting if _who(one) == whose}:
        service.stop_waiting(visitor=visitor, why=STOPPED)
    for network in {one.network for one in waiting if _from(one) == whose}:
        service.stop_waiting(network=network, why=STOPPED)


def _from(record: RunRecord) -> str:
    return network_name(record.network) if record.network else "unknown network"


def _numbers(waiting: int, working: int, visitors: int) -> None:
    tabs = open_tabs()
    with st.grid(4, min_column_width=130, gap="small"):
        st.metric("Waiting", waiting, border=True)
        st.metric("Being worked on", working, border=True)
        st.metric("Visitors with runs", visitors, border=True)
        st.metric("Open tabs", "–" if tabs is None else tabs, border=True, help="Yours among them.")


def _pause(somebody_waits: bool) -> None:
    if not service.paused():
        st.button(
            "Pause the queue",
            icon=":material/pause_circle:",
            key="teacher_pause",
            on_click=_hold,
            args=(True,),
        )
        return
    st.warning(
        "The queue is paused: nothing new begins, and what is being worked on goes on."
        + (" Whoever waits is told so." if somebody_waits else ""),
        icon=":material/pause_circle:",
    )
    st.button(
        "Let it go on",
        icon=":material/play_circle:",
        key="teacher_unpause",
        type="primary",
        on_click=_hold,
        args=(False,),
    )


def _hold(hold: bool) -> None:
    if signed_in():
        service.pause(hold)


def _working(record: RunRecord) -> None:
    shown = follow(record)
    doing = VIEWS[record.spec.kind].doing(record, shown)
    word, colour = STATES[record.state]
    with st.container(border=True, key=f"teacher_work_{_short(record)}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f":{colour}-badge[{word}] **{frame.plain(title(record))}**")
                seconds = time.time() - (record.started or record.created)
                st.caption(f"{_who(record)} · for {words.seconds(seconds)}")
            if record.state == "running":
                _stop(record)
        st.progress(shown.done, text=doing)


def _waiting(record: RunRecord) -> None:
    wait = service.expected_wait(record.id)
    begins = "" if wait is None or service.paused() else f" · begins in {words.about(wait)}"
    asked = f"asked {words.seconds(time.time() - record.created)} ago"
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        key=f"row_teacher_{_short(record)}",
    ):
        with st.container(gap=None):
            st.markdown(f":gray-badge[{record.position}] **{frame.plain(title(record))}**")
            control = "control, after everybody's runs · " if record.control_of is not None else ""
            st.caption(f"{_who(record)} · {control}{asked}{begins}")
        _stop(record)


def _stop(record: RunRecord) -> None:
    st.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"teacher_stop_{_short(record)}",
        help="Its owner reads that the teacher has stopped it, and may let it go on.",
        on_click=_end,
        args=(record.id,),
    )


def _end(run: str) -> None:
    with suppress(errors.RunError):  # its owner has deleted it meanwhile
        if signed_in():
            service.stop(run, why=STOPPED)


def _who(record: RunRecord) -> str:
    return service.known_as(record.visitor).capitalize()


def _short(record: RunRecord) -> str:
    """Tell runs apart on the page without showing an id of somebody else's."""
    return hashlib.sha256(record.id.encode()).hexdigest()[:12]
