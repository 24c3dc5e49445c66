"""The result of a finished run: how good, how sure, what it took, what moved, and what it gets wrong."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.figures.comparison import AccuracyRow, accuracies
from core.figures.confusion import confusion_matrix
from core.figures.drift import drift
from core.figures.reliability import reliability
from core.freezing.report import StageAudit
from core.runs.kinds.finetuning_result import RunResult, TestImages
from core.runs.store.runs import RunRecord
from core.training import few_steps
from core.words import megabytes, percent, short_count
from widgets import frame, previews
from widgets.chart import chart
from widgets.runs import downloads, seeds, try_picture
from widgets.runs.results import difference, result_of, test_images_of, written
from widgets.runs.visible import VisibleRun, still_visible

MOST_PICTURES = 16
TWO_ROWS = 230  # pixels that the headline chart takes with two rows
TABS = ("Mistakes", "What moved", "Seeds", "Calibration", "Cost", "Try a picture", "Downloads")
GUESTS_TABS = tuple(name for name in TABS if name != "Seeds")  # that one lists the owner's other runs


@st.fragment
def details(address: str) -> None:
    """Draw the tabs; one that is not open costs nothing, and turning to another does not redraw the page."""
    seen = still_visible(address)
    result = result_of(seen.id, written(seen.id))
    names = TABS if seen.mine else GUESTS_TABS
    tabs = dict(zip(names, st.tabs(names, key="result_tab", on_change="rerun"), strict=True))
    for name, draw_tab in (
        ("Mistakes", _mistakes),
        ("What moved", _moved),
        ("Seeds", seeds.draw),
        ("Calibration", _calibration),
        ("Cost", _cost),
        ("Try a picture", try_picture.draw),
        ("Downloads", downloads.draw),
    ):
        if name in tabs and tabs[name].open:
            with tabs[name], frame.shown_errors():
                draw_tab(seen, result)


# --- headline -------------------------------------------------------------------------------------------


def headline(record: RunRecord, control: RunRecord | None) -> None:
    """Say how good the network is, how sure that is, and what transfer gave."""
    result = result_of(record.id, written(record.id))
    rows = [AccuracyRow(name="This run", accuracy=result.test.accuracy, role="trainable")]
    sentence = budget = ""
    if result.diverged:
        st.warning(frame.plain(result.diverged), icon=":material/trending_up:")
    if control is not None and control.state == "finished":
        scratch = result_of(control.id, written(control.id))
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


# --- mistakes -------------------------------------------------------------------------------------------


ConfusionCell = tuple[int, int]  # a true class, and what it was recognised as
SUREST: ConfusionCell = (-1, -1)  # no cell: the most confident mistakes


def _mistakes(seen: VisibleRun, result: RunResult) -> None:
    images = test_images_of(seen.id, written(seen.id))
    predicted = images.scores.argmax(axis=1)
    key = f"confusion_cell_{seen.id}"  # another run has other classes
    left, right = st.columns([3, 2])
    with left:
        chart(
            confusion_matrix(result.test.confusion, result.class_names, theme=frame.theme()),
            key="confusion",
            on_click=lambda point: _click(key, point, len(result.class_names)),
        )
    with right:
        cell = _choose_cell(key, result)
        if cell is not None:
            true, guess = cell
            numbers = np.flatnonzero((images.labels == true) & (predicted == guess))
            st.markdown(
                f"{_named(cell, [frame.plain(name) for name in result.class_names], '**')}: {len(numbers)}"
            )
        else:
            numbers = np.flatnonzero(images.labels != predicted)
            if not len(numbers):
                st.markdown("No mistake on the test pictures.")
        surest = numbers[np.argsort(-images.scores[numbers].max(axis=1), kind="stable")][:MOST_PICTURES]
        _gallery(surest, images, result, all_same=cell is not None)


def _click(key: str, point: object, classes: int) -> None:
    """Choose the cell that was clicked."""
    match point:
        case [int(true), int(guess), *_] if 0 <= true < classes and 0 <= guess < classes:
            st.session_state[key] = (true, guess)


def _choose_cell(key: str, result: RunResult) -> ConfusionCell | None:
    """Let a cell be chosen in words, as by a click: mistakes first, the most frequent before all."""
    counts = np.asarray(result.test.confusion)
    totals = counts.sum(axis=1)
    cells = [(int(true), int(guess)) for true, guess in zip(*counts.nonzero(), strict=True)]
    cells.sort(key=lambda cell: (cell[0] == cell[1], -counts[cell]))
    clicked = st.session_state.get(key, SUREST)
    if clicked not in (SUREST, *cells):
        cells.append(clicked)  # an empty one
    chosen = st.selectbox(
        "Pictures, here or by a click on a cell",
        [SUREST, *cells],
        format_func=lambda cell: (
            "Most confident mistakes"
            if cell == SUREST
            else f"{_named(cell, result.class_names)}: {counts[cell]} of {totals[cell[0]]}"
        ),
        key=key,
    )
    return None if chosen == SUREST else chosen


def _named(cell: ConfusionCell, names: Sequence[str], mark: str = "") -> str:
    true, guess = (f"{mark}{names[place]}{mark}" for place in cell)
    return f"{true}, recognised" if cell[0] == cell[1] else f"{true}, taken for {guess}"


def _gallery(
    numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    images: TestImages,
    result: RunResult,
    *,
    all_same: bool,
) -> None:
    if not len(numbers):
        return
    if images.pictures_deleted:
        st.caption("The pictures were deleted, or their time was over; labels and scores stay.")
        return
    with st.grid(4, min_column_width=84, gap="xsmall", key="gallery"):
        for number in numbers:
            guess = int(images.scores[number].argmax())
            true, said = result.class_names[images.labels[number]], result.class_names[guess]
            sure = f"{100 * images.scores[number, guess]:.0f}\u00a0%"
            with st.container(gap="xxsmall"):
                st.image(
                    previews.png(images.images[number]), width="stretch", alt=f"{true}, taken for {said}"
                )
                st.caption(sure if all_same else f"{frame.plain(said)} {sure}  \nis {frame.plain(true)}")


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
