"""This run against another one, picture by picture and class by class, from the run's own page."""

import streamlit as st

from core.figures.comparison import ClassPair, classes_compared
from core.runs import service
from core.runs.kinds.finetuning_result import RunResult
from core.runs.store.runs import RunRecord
from widgets import frame
from widgets.chart import chart
from widgets.run_results import result_of, written
from widgets.runs import comparison
from widgets.runs.visible import VisibleRun

AGAINST = "against"  # parameter of addresses: the run that another one is, or will be, compared with
CONTROL = "The same network from scratch"


def draw(seen: VisibleRun, result: RunResult) -> None:
    """Let another finished run be chosen, the one that the address names at first, and lay both side by side.

    Guests are offered the control alone: the link shows it, and none of the owner's other runs.
    """
    others = _others(seen)
    if not others:
        st.markdown("There is no other finished run to compare this one with yet.")
        return
    named = st.query_params.get(AGAINST, "")
    names = list(others)
    chosen = st.selectbox(
        "Compare with",
        names,
        index=names.index(named) if named in names else 0,
        format_func=lambda run: CONTROL if others[run].id == seen.record.control else others[run].title,
        key=f"against_{seen.id}",
    )
    other = others[chosen]
    comparison.draw([seen.record, other])
    _classes(result, result_of(other.id, written(other.id)))


def _others(seen: VisibleRun) -> dict[str, RunRecord]:
    """The runs to compare with, by id: the newest on the same pictures first, the control last among these."""
    record = seen.record
    found = [service.run(record.control)] if record.control is not None else []
    if seen.mine:
        found = [one for one in service.runs_of(record.visitor) if one.control_of is None] + found
    able = [one for one in found if one.id != record.id and comparison.comparable(one)]
    able.sort(key=lambda one: one.spec.data != record.spec.data)
    return {one.id: one for one in able}


def _classes(first: RunResult, second: RunResult) -> None:
    """Draw how many pictures of each class both found."""
    if set(first.class_names) != set(second.class_names):
        st.caption("They know different classes, so there is nothing to compare class by class.")
        return
    st.markdown("**Class by class**")
    by_name = {one.name: one for one in second.test.classes}
    pairs = [
        ClassPair(name=one.name, first=one.recall, second=other, count=one.count)
        for one in first.test.classes
        if one.recall is not None and (other := by_name[one.name].recall) is not None
    ]
    chart(classes_compared(pairs, ("A", "B"), theme=frame.theme()), key="against_classes")
    fewest = min((pair.count for pair in pairs), default=0)
    st.caption(
        f"The classes that differ most come first. With {fewest} test pictures of a class, one picture is "
        f"{100 / fewest:.0f} points: what one class says alone may be chance."
        if fewest
        else ""
    )
