"""One sweep over freeze depths: its chart while it fills, and what it found. Used by the runs page and the wizard."""

from functools import partial

import streamlit as st

from core import codec, errors, words
from core.figures.sweep import accuracy_over_depth, height
from core.runs import results
from core.runs.files import artefacts
from core.runs.kinds.sweep import SweepShown
from core.runs.kinds.sweep_table import as_csv
from core.runs.store.runs import RunRecord
from core.training.sweep_config import SweepConfig
from core.training.sweep_report import ArmReport, SweepReport, regret_sentence, spoken
from widgets import frame
from widgets.chart import chart
from widgets.runs import downloads, status
from widgets.runs.state import phase
from widgets.runs.visible import VisibleRun, visible_run


def draw_run(seen: VisibleRun) -> None:
    """Draw a sweep on its own page; the address may say what advice named before it."""
    draw(seen.address, st.query_params.get("advised"))


def draw(address: str, advised: str | None = None) -> None:
    """Draw a sweep, live until it is over; ``advised`` is the arm (`Arm.name`) that advice named before it."""
    with frame.shown_errors():
        config = visible_run(address).record.spec.config
        if not isinstance(config, SweepConfig):
            raise errors.RunError(f"This is {config.what}, not a sweep over freeze depths.")
        status.live(address, doing=doing, draw=partial(_found, advised))


def facts(record: RunRecord) -> str:
    """Say which depth is best, for a list."""
    figures = record.summary or {}
    depth = spoken([figures["best"]]).replace("depth", "at depth")
    others = [arm for arm in figures["as_good"] if arm != figures["best"]]
    sure = f"{spoken(others)} may be as good" if others else "ahead of all others"
    return f"best {words.percent(figures['accuracy'])} {depth} · {sure} · {figures['seconds']:.1f} s"


def _found(advised: str | None, seen: VisibleRun, shown: SweepShown) -> None:
    report = shown.report
    if report is None:
        # Room for the chart before it is there: nothing jumps when it comes.
        st.container(height=height(5), border=False, key="sweep_room")
        return
    if report.arms:
        st.markdown(f"**{frame.plain(report.verdict)}**")
        sentence = regret_sentence(report, advised) if advised else ""
        if sentence:
            st.markdown(frame.plain(sentence))
    else:
        st.markdown("The first depth is being measured …")
    frame.caveats(report.caveats)
    chart(
        accuracy_over_depth(report, advised=advised, theme=frame.theme()),
        key=f"sweep_{seen.id}",
        said=True,
    )
    if report.arms:
        st.markdown(_table(report, advised))
        st.caption(frame.plain(_small_print(report)))
        _downloads(seen)
    for note in shown.notes:
        st.caption(f":material/info: {frame.plain(note)}")


# --- how it goes ----------------------------------------------------------------------------------------


def doing(record: RunRecord, shown: SweepShown) -> str:
    """Say which depth and seed is being measured, how fast, and how long the rest takes."""
    started, progress = shown.log.started, shown.progress
    if started is None or progress is None or shown.arm is None:
        name = progress.phase if progress is not None else ("data" if started is None else "evaluate")
        parts = ["Running the network once over all pictures" if name == "features" else phase(name)]
    else:
        name, seed = shown.arm
        parts = [spoken([name]).capitalize() if name != "lp_ft" else "LP-FT"]
        if len(started.seeds) > 1:
            parts.append(f"seed {started.seeds.index(seed) + 1} of {len(started.seeds)}")
    if progress is not None and progress.images_per_second:
        parts.append(f"{progress.images_per_second:,.0f} pictures/s")
    if shown.seconds_left is not None:
        parts.append(f"{words.seconds(shown.seconds_left)} left")
    return " · ".join(parts)


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


def _downloads(seen: VisibleRun) -> None:
    config = seen.record.spec.config
    assert isinstance(config, SweepConfig)
    downloads.figures(
        seen,
        f"sweep-{config.backbone}-{seen.address[:6]}",
        {"csv": lambda seen: as_csv(results.sweep_report(seen.id)).encode(), "json": _json},
    )


def _json(seen: VisibleRun) -> bytes:
    """Read the finished sweep's file; of one that was stopped, what is known."""
    if seen.record.state == "finished":
        return downloads.result_file(seen)
    return artefacts.json_bytes(codec.plain(results.sweep_report(seen.id)))


def _precise(seconds: float) -> str:
    return f"{seconds:.2f}\u00a0s" if seconds < 10 else words.seconds(seconds)
