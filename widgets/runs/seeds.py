"""The same run with other seeds: how much of an accuracy is luck of the draw."""

import streamlit as st

from core.figures.comparison import AccuracyRow, accuracies
from core.runs import service
from core.runs.kinds.finetuning_result import RunResult
from core.runs.store.runs import RunRecord
from core.words import count, percent
from widgets import frame
from widgets.chart import chart
from widgets.runs.visible import VisibleRun


def draw(seen: VisibleRun, _result: RunResult) -> None:
    """Draw mean and interval over the owner's runs with other seeds, against the controls, and offer more."""
    from core.metrics.classification import mean_interval
    from core.metrics.comparison import seeds_difference

    runs = service.repeats(seen.id)
    finished = [run for run in runs if _accuracy(run) is not None]
    st.markdown(
        "One run is one draw: other seeds split the pictures, start the head and order the batches differently."
    )
    values = [accuracy for run in finished if (accuracy := _accuracy(run)) is not None]
    pairs = [
        (mine, theirs)
        for run in finished
        if run.control is not None
        and (mine := _accuracy(run)) is not None
        and (theirs := _accuracy(service.run(run.control))) is not None
    ]
    if len(values) > 1:
        rows = [
            AccuracyRow(name=count(len(values), "seed"), accuracy=mean_interval(values), role="trainable")
        ]
        if len(pairs) > 1:
            scratch = mean_interval([theirs for _, theirs in pairs])
            rows.append(AccuracyRow(name="From scratch", accuracy=scratch, role="control"))
        chart(
            accuracies(rows, theme=frame.theme()),
            key="seeds_chart",
        )
        if len(pairs) > 1:
            difference = seeds_difference(
                [mine for mine, _ in pairs],
                [theirs for _, theirs in pairs],
                ("Transfer", "From scratch"),
                paired=True,
            )
            st.markdown(f"**{frame.plain(difference.verdict)}**")
            st.caption(frame.plain(f"{difference.count} seeds; {difference.method}"))
    lines = ["| Seed | Test accuracy | From scratch |", "|---|---|---|"]
    for one in runs:
        control = service.run(one.control) if one.control is not None else None
        lines.append(f"| {one.spec.finetune.seed} | {_word(one)} | {_word(control)} |")
    st.markdown("\n".join(lines))
    waiting = len(runs) - len(finished)
    if waiting:
        st.caption(f"{waiting} still to come.")
        st.button("Look again", key="seeds_look", icon=":material/refresh:")
    room = min(2, service.MOST_SEEDS - len(runs))
    if (
        seen.mine
        and room > 0
        and not waiting
        and st.button(f"Repeat with {count(room, 'more seed')}", key="seeds_more")
    ):
        service.repeat(seen.id, room, visitor=frame.visitor(), address=st.context.ip_address)
        st.rerun()


def _accuracy(record: RunRecord) -> float | None:
    if record.summary is None or record.state != "finished":
        return None
    return float(record.summary["accuracy"])


def _word(record: RunRecord | None) -> str:
    if record is None:
        return "–"
    accuracy = _accuracy(record)
    return record.state if accuracy is None else percent(accuracy)
