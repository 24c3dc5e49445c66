"""One fine-tuning and its control: how they go while they go, and the result once it is there."""

from typing import get_args

import streamlit as st

from core import words
from core.backbones import catalogue
from core.figures.learning_curves import CurvePanel, learning_curves
from core.runs import service
from core.runs.kinds.finetuning_timeline import EpochFigures, Timeline
from core.runs.store.runs import RunRecord
from core.training.config import STRATEGIES
from core.training.events import RunStarted
from widgets import frame, network
from widgets.chart import chart
from widgets.runs import next_steps, result
from widgets.runs.curves import curves, epochs_planned, timeline_of
from widgets.runs.polling import poll_seconds
from widgets.runs.state import PAUSED, phase
from widgets.runs.status import badge, status, stop_or_go_on
from widgets.runs.visible import VisibleRun, still_visible
from widgets.stage_strip.strip import StageState, stage_strip


def draw(seen: VisibleRun) -> None:
    """Draw the run below its heading."""
    record = seen.record
    control = service.run(record.control) if record.control else None
    # Fragments poll; the page itself runs again only when something has ended, or comes near in the queue.
    poll = poll_seconds(record, control)
    if record.state != "finished":
        st.fragment(_live, run_every=poll)(seen.address, _ended(record, control), poll)
        return
    result.plain_sentence(record, control)
    next_steps.draw(seen)
    st.fragment(_live_status, run_every=poll)(seen.address, _ended(record, control), poll)
    result.headline(record, control)
    result.details(seen.address)
    st.fragment(_live_curves, run_every=poll)(seen.address)


def facts(record: RunRecord) -> str:
    """Say how good it is, for a list."""
    figures = record.summary or {}
    return (
        f"{words.percent(figures['accuracy'])} {words.interval(figures['low'], figures['high'])} · "
        f"{figures['seconds']:.1f} s"
    )


def doing(record: RunRecord, timeline: Timeline) -> str:
    """Say where a running run is: its phase or epoch, its pace, the time left."""
    if timeline.started is None and timeline.progress is None:
        return "reading the pictures"
    parts = []
    if timeline.progress is None and not timeline.batches and not timeline.epochs:
        parts.append("Preparing the network")
    elif timeline.progress is not None:
        parts.append(phase(timeline.progress.phase))
    else:
        epochs = epochs_planned(record, timeline)
        parts.append(f"Epoch {min(len(timeline.epochs) + 1, epochs)} of {epochs}")
    if timeline.images_per_second is not None:
        parts.append(f"{timeline.images_per_second:,.0f} pictures/s")
    if timeline.seconds_left is not None:
        parts.append(f"{words.seconds(timeline.seconds_left)} left")
    return " · ".join(parts)


def _ended(record: RunRecord, control: RunRecord | None) -> tuple[str, str]:
    """Name how run and control have ended; when that changes, the whole page has something new to show."""
    return (
        "" if record.active else record.state,
        "" if control is None or control.active else control.state,
    )


def _live(address: str, drawn: tuple[str, str], poll: float | None) -> None:
    """Draw a run that is not finished: where it is, its curves, its stages."""
    _live_status(address, drawn, poll)
    _live_curves(address)


def _live_status(address: str, drawn: tuple[str, str], poll: float | None) -> None:
    record, control, timeline, beside = _read(address)
    if _ended(record, control) != drawn or poll_seconds(record, control) != poll:
        st.rerun()
    _status(record, timeline, control, beside)
    if still_visible(address).mine:
        _buttons(record, timeline)


def _live_curves(address: str) -> None:
    record, control, timeline, beside = _read(address)
    _curves(record, timeline, control, beside)
    if record.active and timeline.started is not None:
        _stages(record, timeline.started, timeline.epochs)
    for note in timeline.notes:
        st.caption(f":material/info: {frame.plain(note)}")


def _read(address: str) -> tuple[RunRecord, RunRecord | None, Timeline, Timeline | None]:
    record = still_visible(address).record
    control = service.run(record.control) if record.control else None
    return record, control, timeline_of(record), timeline_of(control) if control is not None else None


def _stages(record: RunRecord, started: RunStarted, epochs: list[EpochFigures]) -> None:
    """Show what is frozen at this moment; under gradual unfreezing it thaws stage by stage."""
    entry = catalogue.entry(record.spec.finetune.backbone)
    stages, head = network.blocks(
        entry, classes=len(started.class_names), image_size=started.config["image_size"]
    )
    frozen = set(started.frozen_stages)
    if record.spec.finetune.strategy == "gradual" and epochs:
        frozen = {one.name for one in stages[: epochs[-1].frozen_depth]}
    pretrained = STRATEGIES[record.spec.finetune.strategy].pretrained
    states: list[StageState] = [
        "ice" if one.name in frozen else "fire" if pretrained else "grey" for one in stages
    ]
    stage_strip(key="run_stages", stages=stages, head=head, depth=len(frozen), states=tuple(states))


def _status(
    record: RunRecord, timeline: Timeline, control: RunRecord | None, beside: Timeline | None
) -> None:
    if record.state == "finished" and control is not None and control.active:
        does = "waits for its turn" if control.state == "queued" else doing(control, beside or Timeline())
        if control.state == "queued" and service.paused():
            does = f"waits. {PAUSED}"
        st.progress(
            beside.done if beside is not None else 0.0,
            text=f"{badge(record)} Now the same network from scratch: {does}",
        )
    else:
        status(record, timeline.done, doing(record, timeline))


def _buttons(record: RunRecord, timeline: Timeline) -> None:
    visitor = frame.visitor()
    with st.container(horizontal=True, vertical_alignment="bottom", key="run_buttons"), frame.shown_errors():
        stop_or_go_on(record)
        if record.state in ("stopped", "failed"):
            if timeline.epochs and st.button("Test it as it is", icon=":material/flag:", key="conclude"):
                service.conclude(record.id, visitor=visitor)
                st.rerun()
        elif (
            record.state == "finished" and timeline.epochs and record.spec.finetune.strategy != "linear_probe"
        ):
            with st.popover("Train longer", icon=":material/more_time:"):
                epochs = st.number_input(
                    "More epochs", min_value=1, max_value=200, value=5, key="more_epochs"
                )
                if st.button("Go on", key="extend", type="primary"):
                    service.extend(record.id, int(epochs), visitor=visitor)
                    st.rerun()


def _curves(
    record: RunRecord, timeline: Timeline, control: RunRecord | None, beside: Timeline | None
) -> None:
    if record.spec.finetune.strategy == "linear_probe":
        st.caption("A linear probe is solved in one go, so it has no learning curve.")
        return
    classes = len(timeline.started.class_names) if timeline.started is not None else None
    own = curves(timeline, record)
    scratch = None
    if control is not None and beside is not None and beside.epochs:
        scratch = curves(beside, control)
    for column, panel in zip(st.columns(2), get_args(CurvePanel), strict=True):
        figure = learning_curves(own, control=scratch, classes=classes, panel=panel, theme=frame.theme())
        with column:
            chart(figure, key=f"curves_{panel}")
