"""The result of a finished run: how good, how sure, what it took, what moved, and what it gets wrong."""

import streamlit as st

from core.figures.comparison import AccuracyRow, accuracies
from core.figures.drift import drift
from core.figures.reliability import reliability
from core.freezing.report import StageAudit
from core.metrics.plainly import plainly
from core.runs.kinds.finetuning_result import RunResult
from core.runs.store.runs import RunRecord
from core.training import few_steps
from core.words import megabytes, percent, short_count
from widgets import frame
from widgets.chart import chart
from widgets.run_results import difference, result_of, written
from widgets.runs import against, downloads, mistakes, seeds, try_picture
from widgets.runs.visible import VisibleRun, still_visible

TWO_ROWS = 230  # pixels that the headline chart takes with two rows
TRY, COMPARE = "Try a picture", "Compare"
TABS = ("Mistakes", COMPARE, "What moved", "Seeds", "Calibration", "Cost", TRY, "Downloads")
GUESTS_TABS = tuple(name for name in TABS if name != "Seeds")  # that one lists the owner's other runs
OPEN_TAB = "result_tab"  # the widget's key: what opens a tab from elsewhere sets it before the tabs are drawn


@st.fragment
def details(address: str) -> None:
    """Draw the tabs; one that is not open costs nothing, and turning to another does not redraw the page."""
    seen = still_visible(address)
    result = result_of(seen.id, written(seen.id))
    names = TABS if seen.mine else GUESTS_TABS
    first = COMPARE if against.AGAINST in st.query_params else names[0]
    drawn = st.tabs(names, default=first, key=OPEN_TAB, on_change="rerun")
    tabs = dict(zip(names, drawn, strict=True))
    for name, draw_tab in (
        ("Mistakes", mistakes.draw),
        (COMPARE, against.draw),
        ("What moved", _moved),
        ("Seeds", seeds.draw),
        ("Calibration", _calibration),
        ("Cost", _cost),
        (TRY, try_picture.draw),
        ("Downloads", downloads.draw),
    ):
        if name in tabs and tabs[name].open:
            with tabs[name], frame.shown_errors():
                draw_tab(seen, result)


# --- headline -------------------------------------------------------------------------------------------


def plain_sentence(record: RunRecord, control: RunRecord | None) -> None:
    """Say in one sentence how good the network is, before any figure that needs a word of explanation."""
    scratch = finished_control(control)
    of_run = result_of(record.id, written(record.id)).test
    with st.container(key="plainly"):
        st.markdown(f"## {frame.plain(plainly(of_run, None if scratch is None else scratch.test))}")


def finished_control(control: RunRecord | None) -> RunResult | None:
    """Read the result of a run's control, once there is one."""
    if control is None or control.state != "finished":
        return None
    return result_of(control.id, written(control.id))


def headline(record: RunRecord, control: RunRecord | None) -> None:
    """Say how sure that is, and what transfer gave."""
    result = result_of(record.id, written(record.id))
    rows = [AccuracyRow(name="This run", accuracy=result.test.accuracy, role="trainable")]
    sentence = budget = ""
    if result.diverged:
        st.warning(frame.plain(result.diverged), icon=":material/trending_up:")
    scratch = finished_control(control)
    if control is not None and scratch is not None:
        if scratch.diverged:
            st.warning(
                f"The control from scratch: {frame.plain(scratch.diverged)}", icon=":material/trending_up:"
            )
        rows.append(AccuracyRow(name="From scratch", accuracy=scratch.test.accuracy, role="control"))
        sentence = difference(record, control, ("This run", "From scratch")).verdict
        budget = _budget(scratch)
    number, beside = st.columns([2, 3], vertical_alignment="center")
    with number:
        st.metric(
            f"Test accuracy, {result.test.count:,} pictures never seen before",
            percent(result.test.accuracy.value),
        )
        low, high = 100 * result.test.accuracy.low, 100 * result.test.accuracy.high
        st.markdown(f"95 % interval {low:.1f} to {high:.1f} %; chance is {100 * result.test.chance:.1f} %.")
        frame.caveats(result.test.caveats)
        if control is not None and control.error:
            st.caption(f"There is no from-scratch control: {frame.plain(control.error)}")
        if sentence:
            st.markdown(f"Against the same network from scratch: **{frame.plain(sentence)}**.")
            st.caption(budget)
    # Room for the control's row before it is there: nothing jumps when it comes.
    with beside:
        chart(
            accuracies(rows, chance=result.test.chance, theme=frame.theme()),
            key="headline",
            said=True,
            room=TWO_ROWS if control is not None else None,
        )


def _budget(scratch: RunResult) -> str:
    """Say how long the control was trained, and what it would still gain by more."""
    more = few_steps.gain("twice", "scratch", scratch.images["train"] / len(scratch.class_names))
    return (
        f"From scratch it had {scratch.epochs_done} epochs. On {more.sets} data sets with {more.per_class} pictures a "
        f"class, 20 epochs in place of 10 changed accuracy by {few_steps.spoken(more.points)} points "
        "(built-in network)."
    )


# --- what moved -----------------------------------------------------------------------------------------


def _moved(seen: VisibleRun, result: RunResult) -> None:
    st.markdown(
        "How far each stage moved from where it started: in its weights, and in what it sees "
        "(CKA 1: the same features as before)."
    )
    chart(drift(result.audit, theme=frame.theme()), key="drift")
    st.page_link(
        frame.page("layers"),
        label="See what changed, picture by picture",
        icon=":material/compare:",
        query_params={"view": "training", "run": seen.address},
    )
    st.markdown("**Did frozen stay frozen?** Hashes of every stage before and after training:")
    st.markdown(_audit_table(result.audit))


def _audit_table(audit: tuple[StageAudit, ...]) -> str:
    rows = ["| Stage | Result | Hash |", "|---|---|---|"]
    for one in audit:
        same = one.parameters_identical and one.buffers_identical
        if one.frozen:
            leak = "BatchNorm statistics moved" if one.parameters_identical else "weights changed"
            found = ":blue[frozen]: " + (":green[✓ identical]" if same else f":red[✗ leaked, {leak}]")
        else:
            moved = "unchanged" if same else f"moved by {100 * one.relative_change:.1f}\u00a0%"
            found = f":orange[trained]: {moved}"
        before, after = f"`{one.sha256_before[:8]}`", f"`{one.sha256_after[:8]}`"
        rows.append(f"| {frame.plain(one.stage)} | {found} | {before if same else f'{before} → {after}'} |")
    return "\n".join(rows)


# --- calibration and cost -------------------------------------------------------------------------------


def _calibration(_seen: VisibleRun, result: RunResult) -> None:
    st.markdown("When the network says 80 % sure, is it right 80 % of the time?")
    measured = result.test.reliability, result.test.expected_calibration_error
    chart(reliability(*measured, theme=frame.theme()), key="calibration")


_PHASES = {
    "prepare": "Preparing",
    "audit": "Hashes and drift",
    "features": "Frozen stages, once",
    "train": "Training",
    "validate": "Validation",
    "evaluate": "Test",
    "probe": "Solving the probe",
}


def _cost(_seen: VisibleRun, result: RunResult) -> None:
    with st.grid(4, min_column_width=140):
        st.metric("Seconds", f"{result.seconds:.1f}")
        st.metric("Pictures a second", f"{result.images_per_second:,.0f}")
        st.metric("Peak memory", megabytes(result.peak_memory_bytes))
        st.metric("Parameters that learned", short_count(result.trainable_parameters))
    phases = [
        f"| {_PHASES.get(name, frame.plain(name))} | {seconds:.2f} s |"
        for name, seconds in result.seconds_by_phase.items()
    ]
    st.markdown("\n".join(["| Phase | Time |", "|---|---|", *phases]))
    counts = result.images
    st.caption(
        f"{counts['train']:,} training, {counts['validation']:,} validation and {counts['test']:,} test pictures; "
        f"{result.device}, {result.precision}; best epoch {result.best_epoch} of {result.epochs_done}, chosen on "
        "validation."
    )
