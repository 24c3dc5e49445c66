"""One sweep over freeze depths: its chart while it fills, and what it found. Used by the runs page and the wizard."""

import dataclasses

import streamlit as st

from core import errors
from core.figures.sweep import accuracy_over_depth, height
from core.runs import service
from core.runs.files import artefacts
from core.runs.kinds.sweep_result import as_csv
from core.runs.kinds.sweep_timeline import SweepTimeline
from core.runs.store.runs import RunRecord
from core.training.sweep_report import ArmReport, SweepReport, regret_sentence, spoken
from widgets import delete_runs, followed, frame
from widgets.chart import chart
from widgets.run_words import STATES, in_queue, poll_seconds, why_it_ended
from widgets.viewed import Viewed, viewed

_PHASES = {
    "data": "Reading the pictures",
    "weights": "Fetching the pretrained weights",
    "cluster": "Waiting for a node of the cluster",
    "features": "Running the network once over all pictures",
}


def draw(address: str, advised: str | None = None) -> None:
    """Draw a sweep, live until it is over; ``advised`` is the arm (`Arm.name`) that advice named before it."""
    with frame.shown_errors():
        record = viewed(address).record
        if record.spec.kind != "sweep":
            service.sweep_timeline(record.id)  # a sentence for another kind
        # A fragment polls; the page itself runs again only when the sweep has ended, and then nothing polls.
        poll = poll_seconds(record)
        st.fragment(_live, run_every=poll)(address, advised, poll)


def follow(run_id: str) -> SweepTimeline:
    """Read what is new in a sweep's log since the last look of this session."""
    return followed.follow(run_id, SweepTimeline)


def _live(address: str, advised: str | None, poll: float | None) -> None:
    with frame.shown_errors():
        try:
            seen = viewed(address)
        except errors.RunError:
            st.rerun()  # deleted, or no longer shared: the whole page goes
        record = seen.record
        if poll_seconds(record) != poll:
            st.rerun()
        timeline = follow(record.id)
        found = timeline.report
        _status(record, timeline)
        if seen.mine:
            _buttons(record)
        if found is None:
            # Room for the chart before it is there: nothing jumps when it comes.
            st.container(height=height(5), border=False, key="sweep_room")
            return
        if found.arms:
            st.markdown(f"**{frame.plain(found.verdict)}**")
            sentence = regret_sentence(found, advised) if advised else ""
            if sentence:
                st.markdown(frame.plain(sentence))
        else:
            st.markdown("The first depth is being measured …")
        frame.caveats(found.caveats)
        chart(
            accuracy_over_depth(found, advised=advised, theme=frame.theme()),
            key=f"sweep_{record.id}",
            said=True,
        )
        if found.arms:
            st.markdown(_table(found, advised))
            st.caption(frame.plain(_small_print(found)))
            _downloads(seen, found)
        for note in timeline.notes:
            st.caption(f":material/info: {frame.plain(note)}")


# --- how it goes ----------------------------------------------------------------------------------------


def _status(record: RunRecord, timeline: SweepTimeline) -> None:
    word, colour = STATES[record.state]
    line = f":{colour}-badge[{word}]"
    if record.error:
        why_it_ended(record)
    if record.state == "queued":
        st.progress(0.0, text=f"{line} {in_queue(record)}")
    elif record.active:
        st.progress(timeline.done, text=f"{line} {pace(timeline)}")
    elif record.state != "finished":
        st.markdown(line)


def pace(timeline: SweepTimeline) -> str:
    """Say which depth and seed is being measured, how fast, and how long the rest takes."""
    started, progress = timeline.log.started, timeline.progress
    if started is None or progress is None or timeline.arm is None:
        phase = progress["phase"] if progress is not None else ("data" if started is None else "")
        parts = [_PHASES.get(phase, "Measuring")]
    else:
        name, seed = timeline.arm
        parts = [spoken([name]).capitalize() if name != "lp_ft" else "LP-FT"]
        if len(started.seeds) > 1:
            parts.append(f"seed {started.seeds.index(seed) + 1} of {len(started.seeds)}")
    if progress is not None and progress.get("images_per_second"):
        parts.append(f"{progress['images_per_second']:,.0f} pictures/s")
    if timeline.seconds_left is not None:
        parts.append(f"{_seconds(timeline.seconds_left)} left")
    return " · ".join(parts)


def _buttons(record: RunRecord) -> None:
    visitor = frame.visitor()
    with st.container(horizontal=True, key="sweep_buttons"):
        if record.state in ("queued", "running") and st.button(
            "Stop", icon=":material/stop_circle:", key="sweep_stop"
        ):
            service.stop(record.id, visitor=visitor)
            st.rerun()
        if record.state in ("stopped", "failed") and st.button(
            "Go on", icon=":material/play_arrow:", key="sweep_resume", type="primary"
        ):
            service.resume(record.id, visitor=visitor)
            st.rerun()


# --- what it found --------------------------------------------------------------------------------------


def _table(found: SweepReport, advised: str | None) -> str:
    """One row an arm: what is frozen, accuracy, distance to the best, seconds."""
    rows = [
        "| Frozen | Accuracy | Behind the best | Seconds (alone) |",
        "|---|---|---|---|",
    ]
    for one in found.arms:
        marks = [
            word
            for word, true in (
                ("advised", one.arm == advised),
                ("best", one.arm == found.best),
                ("cheapest", one.arm == found.cheapest and len(found.as_good) > 1),
                ("left out", one.dropped),
            )
            if true
        ]
        alone = "–" if one.seconds_alone is None else _precise(one.seconds_alone)
        name = frame.plain(what(one, found.stages)) + (f" **({', '.join(marks)})**" if marks else "")
        rows.append(
            f"| {name} | {_interval(one)} | {_behind(one, found)} | {_precise(one.seconds)} ({alone}) |"
        )
    return "\n".join(rows)


def what(one: ArmReport, stages: tuple[str, ...]) -> str:
    """Say what an arm freezes."""
    if one.arm == "lp_ft":
        return "LP-FT"
    if one.depth in (0, len(stages)):
        return f"{one.depth}: {'everything' if one.depth else 'nothing'}"
    return f"{one.depth}: up to {stages[one.depth - 1]}"


def _interval(one: ArmReport) -> str:
    figures = one.accuracy
    return f"{100 * figures.value:.1f}\u00a0% [{100 * figures.low:.1f},\u00a0{100 * figures.high:.1f}]"


def _behind(one: ArmReport, found: SweepReport) -> str:
    if len(found.arms) < 2:
        return "–"
    figures = one.regret
    points = f"{100 * figures.value:.1f} [{100 * figures.low:.1f},\u00a0{100 * figures.high:.1f}]"
    return points if one.as_good else f"**{points}**"


def _small_print(found: SweepReport) -> str:
    counts = found.images
    waiting = [seed for seed in found.seeds if seed not in found.counted]
    under_way = (
        f" Dots of seed {found.seeds.index(waiting[0]) + 1} are shown, and counted once all depths have one."
        if found.counted and waiting and any(waiting[0] in one.seeds for one in found.arms)
        else ""
    )
    lost = " Left out: clearly lost after the first seeds." if any(one.dropped for one in found.arms) else ""
    two_steps = " LP-FT: a linear probe first, then everything trained." if "lp_ft" in found.planned else ""
    return (
        f"{found.method}{under_way}{two_steps} Behind the best is in points, bold where it is more than chance. "
        "Cheapest: trains fewest stages of those that may be the best. Every depth "
        f"learned from {counts['train']:,} pictures for {found.epochs} epochs; the tests chose no epoch. Seconds: "
        "training and testing once the shared pass through the network is done; alone: with what a single run would "
        f"need of that pass.{lost}"
    )


def _downloads(seen: Viewed, found: SweepReport) -> None:
    record = seen.record
    if record.active:
        return
    name = f"sweep-{record.spec.config.backbone}-{seen.address[:6]}"
    with st.container(horizontal=True, key="sweep_downloads"):
        for label, suffix, content in (
            ("CSV", "csv", as_csv(found).encode()),
            ("JSON", "json", _json(record, found)),
        ):
            st.download_button(
                label,
                content,
                file_name=f"{name}.{suffix}",
                mime="application/octet-stream",
                icon=":material/download:",
                on_click="ignore",
                key=f"sweep_{suffix}",
            )
        if seen.mine:
            delete_runs.draw([record], "Delete this sweep", "Its measurements are gone for good.")


def _json(record: RunRecord, found: SweepReport) -> bytes:
    """Read the finished sweep's file; of one that was stopped, what is known."""
    if record.state == "finished":
        return service.result_path(record.id).read_bytes()
    return artefacts.json_bytes(dataclasses.asdict(found))


def _precise(seconds: float) -> str:
    return f"{seconds:.2f}\u00a0s" if seconds < 10 else _seconds(seconds)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}\u00a0s" if seconds < 100 else f"{seconds / 60:.0f}\u00a0min"
