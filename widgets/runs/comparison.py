"""Runs side by side, and whether their difference is real."""

from typing import get_args

import streamlit as st

from core.figures.comparison import AccuracyRow, accuracies, differences
from core.figures.learning_curves import CurvePanel, learning_curves
from core.figures.template import ColourRole
from core.runs import results
from core.runs.kinds.finetuning_result import RunResult
from core.runs.store.runs import RunRecord
from core.training.config import STRATEGIES
from widgets import frame
from widgets.chart import chart
from widgets.run_results import difference, result_of, with_interval, written
from widgets.runs.curves import curves, timeline_of
from widgets.settings import SETTINGS


def draw(records: list[RunRecord]) -> None:
    """Draw finished runs side by side; each is compared with the first."""
    results = {one.id: result_of(one.id, written(one.id)) for one in records}
    names = {one.id: f"{chr(ord('A') + place)} · {one.title}" for place, one in enumerate(records)}
    chances = {round(result.test.chance, 6) for result in results.values()}
    rows = [
        AccuracyRow(name=names[one.id], accuracy=results[one.id].test.accuracy, role=role(one))
        for one in records
    ]
    chance = chances.pop() if len(chances) == 1 else None
    chart(
        accuracies(rows, chance=chance, theme=frame.theme()),
        key="compare_accuracies",
    )
    frame.caveats(dict.fromkeys(text for one in results.values() for text in one.test.caveats))
    st.markdown("**Is the difference real?**")
    letters = {one.id: names[one.id].split(" · ")[0] for one in records}
    first, found = records[0], []
    for one in records[1:]:
        pair = f"{letters[one.id]} against {letters[first.id]}"
        if one.spec.data != first.spec.data:
            st.markdown(f"{pair}: **different data**, so the two accuracies answer different questions.")
            continue
        found.append(difference(one, first, (letters[one.id], letters[first.id])))
        st.markdown(f"{pair}: **{frame.plain(found[-1].verdict)}**")
        st.caption(frame.plain(f"{found[-1].count:,} test pictures; {found[-1].method}"))
    if len(found) > 1:
        chart(
            differences(found, theme=frame.theme()),
            key="compare_differences",
            said=True,
        )
        st.caption("With many comparisons, one in twenty looks real by chance alone.")
    if len(records) == 2:
        _curves(records)
    _settings(records, letters)


def role(record: RunRecord) -> ColourRole:
    """Colour a run by what it is: from scratch is grey, all frozen is ice, the rest is fire."""
    if not STRATEGIES[record.spec.finetune.strategy].pretrained:
        return "control"
    return "frozen" if record.spec.finetune.strategy == "linear_probe" else "trainable"


def _curves(records: list[RunRecord]) -> None:
    first, second = (curves(timeline_of(one), one) for one in records)
    if not first.validation_accuracy or not second.validation_accuracy:
        return
    for column, panel in zip(st.columns(2), get_args(CurvePanel), strict=True):
        figure = learning_curves(first, control=second, control_name="B", panel=panel, theme=frame.theme())
        with column:
            chart(figure, key=f"compare_{panel}")


def _settings(records: list[RunRecord], letters: dict[str, str]) -> None:
    """Write the settings in which the runs differ, and what each cost."""
    results = [result_of(one.id, written(one.id)) for one in records]
    names = [name for name in results[0].config if len({str(one.config.get(name)) for one in results}) > 1]
    rows: list[tuple[str, list[str]]] = [
        ("Test accuracy", [with_interval(one.test.accuracy) for one in results]),
        ("Data", [one.data_name for one in results]),
        *((SETTINGS[name].title, [_word(name, one) for one in results]) for name in names),
        ("Parameters that learned", [f"{one.trainable_parameters:,}" for one in results]),
        ("Seconds", [f"{one.seconds:.1f}" for one in results]),
    ]
    lines = ["| What | " + " | ".join(letters.values()) + " |", "|---" * (len(records) + 1) + "|"]
    for name, values in rows:
        lines.append("| " + " | ".join(frame.plain(text) for text in (name, *values)) + " |")
    st.markdown("\n".join(lines))


def _word(name: str, result: RunResult) -> str:
    value = result.config.get(name)
    if name == "strategy":
        return STRATEGIES[str(value)].title
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def comparable(record: RunRecord) -> bool:
    """Whether a run has a result to compare; a sweep compares its arms by itself."""
    return (
        record.spec.kind == "finetune"
        and record.summary is not None
        and record.state == "finished"
        and results.result_path(record.id).exists()
    )
