"""One run from its link: how it goes while it goes, and its result once it is there."""

from typing import Any

import streamlit as st

from core import errors
from core.backbones import catalogue
from core.figures.learning_curves import learning_curves
from core.runs import service
from core.runs.kinds.finetuning_result import EpochFigures
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.store.runs import RunRecord
from core.training.config import STRATEGIES
from widgets import delete_runs, frame, network, run_result, share_button, sweep_run
from widgets.chart import chart
from widgets.run_progress import curves, follow, pace
from widgets.run_words import PAUSED, STATES, in_queue, poll_seconds, why_it_ended
from widgets.stage_strip.strip import StageState, stage_strip
from widgets.viewed import Viewed, guest_line, viewed


def draw(address: str) -> None:
    """Draw the run; a link to one that does not exist, or that is not shared with the visitor, says so."""
    with frame.shown_errors():
        seen = viewed(address)
        record = seen.record
        _heading(seen)
        if record.spec.kind == "sweep":
            sweep_run.draw(address, advised=st.query_params.get("advised"))
            return
        control = service.run(record.control) if record.control else None
        if record.state == "finished":
            run_result.headline(record, control)
        # A fragment polls; the page itself runs again only when something has ended, or comes near in the queue.
        poll = poll_seconds(record, control)
        st.fragment(_live, run_every=poll)(seen.address, _ended(record, control), poll)
        if record.state == "finished":
            run_result.details(seen.address)


def _ended(record: RunRecord, control: RunRecord | None) -> tuple[str, str]:
    """Name how run and control have ended; when that changes, the whole page has something new to show."""
    return (
        "" if record.active else record.state,
        "" if control is None or control.active else control.state,
    )


def _heading(seen: Viewed) -> None:
    with st.container(key="back"):
        st.page_link(frame.page("runs"), label="All runs", icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", key="run_heading"):
        st.title(frame.plain(seen.record.title), anchor=False)
        share_button.draw(seen)
    guest_line(seen)


def _live(address: str, drawn: tuple[str, str], poll: float | None) -> None:
    try:
        seen = viewed(address)
    except errors.RunError:
        st.rerun()  # deleted, or no longer shared: the whole page goes
    record = seen.record
    control = service.run(record.control) if record.control else None
    if _ended(record, control) != drawn or poll_seconds(record, control) != poll:
        st.rerun()
    timeline = follow(record.id)
    beside = follow(record.control) if record.control else None
    _status(record, timeline, control, beside)
    if seen.mine:
        _buttons(record, timeline)
    _curves(record, timeline, beside)
    if record.active and timeline.started is not None:
        _stages(record, timeline.started, timeline.epochs)
    for note in timeline.notes:
        st.caption(f":material/info: {frame.plain(note)}")


def _stages(record: RunRecord, started: dict[str, Any], epochs: list[EpochFigures]) -> None:
    """Show what is frozen at this moment; under gradual unfreezing it thaws stage by stage."""
    entry = catalogue.entry(record.spec.config.backbone)
    stages, head = network.blocks(
        entry, classes=len(started["class_names"]), image_size=started["config"]["image_size"]
    )
    frozen = set(started["frozen_stages"])
    if record.spec.config.strategy == "gradual" and epochs:
        frozen = {one.name for one in stages[: epochs[-1].frozen_depth]}
    pretrained = STRATEGIES[record.spec.config.strategy].pretrained
    states: list[StageState] = [
        "ice" if one.name in frozen else "fire" if pretrained else "grey" for one in stages
    ]
    stage_strip(key="run_stages", stages=stages, head=head, depth=len(frozen), states=tuple(states))


def _status(
    record: RunRecord, timeline: Timeline, control: RunRecord | None, beside: Timeline | None
) -> None:
    word, colour = STATES[record.state]
    line = f":{colour}-badge[{word}]"
    if record.error:
        why_it_ended(record)
    if record.state == "running":
        st.progress(timeline.done, text=f"{line} {pace(timeline, record)}")
    elif record.state == "queued":
        st.progress(0.0, text=f"{line} {in_queue(record)}")
    elif record.state == "finished" and control is not None and control.active:
        doing = "waits for its turn" if control.state == "queued" else pace(beside or Timeline(), control)
        if control.state == "queued" and service.paused():
            doing = f"waits. {PAUSED}"
        st.progress(
            beside.done if beside is not None else 0.0,
            text=f"{line} Now the same network from scratch: {doing}",
        )
    elif record.state != "finished":  # a finished run shows its result instead
        st.markdown(line)


def _buttons(record: RunRecord, timeline: Timeline) -> None:
    visitor = frame.visitor()
    with st.container(horizontal=True, vertical_alignment="bottom", key="run_buttons"), frame.shown_errors():
        if record.state in ("queued", "running"):
            if st.button("Stop", icon=":material/stop_circle:", key="stop"):
                service.stop(record.id, visitor=visitor)
                st.rerun()
        elif record.state in ("stopped", "failed"):
            if st.button("Go on", icon=":material/play_arrow:", key="resume", type="primary"):
                service.resume(record.id, visitor=visitor)
                st.rerun()
            if timeline.epochs and st.button("Test it as it is", icon=":material/flag:", key="conclude"):
                service.conclude(record.id, visitor=visitor)
                st.rerun()
            delete_runs.draw([record], "Delete this run", "What it has learned so far is gone for good.")
        elif record.state == "finished" and timeline.epochs and record.spec.config.strategy != "linear_probe":
            with st.popover("Train longer", icon=":material/more_time:"):
                epochs = st.number_input(
                    "More epochs", min_value=1, max_value=200, value=5, key="more_epochs"
                )
                if st.button("Go on", key="extend", type="primary"):
                    service.extend(record.id, int(epochs), visitor=visitor)
                    st.rerun()


def _curves(record: RunRecord, timeline: Timeline, beside: Timeline | None) -> None:
    if record.spec.config.strategy == "linear_probe":
        st.caption("A linear probe is solved in one go, so it has no learning curve.")
        return
    classes = len(timeline.started["class_names"]) if timeline.started is not None else None
    left, right = st.columns(2)
    own = curves(timeline, record)
    control = None
    if beside is not None and beside.epochs:
        control = curves(beside, service.run(record.control)) if record.control else None
    for column, panel in ((left, "accuracy"), (right, "loss")):
        figure = learning_curves(own, control=control, classes=classes, panel=panel, theme=frame.theme())
        with column:
            chart(figure, key=f"curves_{panel}")
