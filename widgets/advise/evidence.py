"""The raw evidence to browse: every data set, every depth, every number of pictures."""

import streamlit as st

from core.advice import evidence, places, sentences
from core.advice.evidence import Evidence
from core.advice.tasks import TASKS
from core.backbones.catalogue import BackboneEntry
from widgets import address, frame
from widgets.chart import chart

ALL = "all"


def draw(entry: BackboneEntry) -> None:
    """Draw the map of all data sets, and one of them in full."""
    found = evidence.speaks_for(entry.name)
    if found is None or not found.cells:
        return
    st.markdown("### What was measured")
    st.markdown(" ".join(sentences.story(found)))
    _map(found)
    _one(found)


def _map(found: Evidence) -> None:
    from core.figures.advice_evidence import behind_the_best

    known = {ALL if cell.per_class is None else str(cell.per_class) for cell in found.cells}
    sizes = [*sorted(known - {ALL}, key=int), *(ALL for one in known if one == ALL)]
    size = address.choose(
        st.segmented_control,
        "Pictures of each class",
        sizes,
        name="size",
        what="number of pictures",
        default="20" if "20" in sizes else sizes[0],
        format_func=lambda one: "All" if one == ALL else one,
        required=True,
    )
    cells = [cell for cell in found.cells if size == (ALL if cell.per_class is None else str(cell.per_class))]
    chart(
        behind_the_best(cells, found.arms, stages=len(found.stages), theme=frame.theme()),
        key="advise_map",
    )
    st.caption(
        "Points behind the best depth of each data set (framed). From top to bottom: photographs of things, other "
        "photographs, no photographs. Point at a cell for seeds and test pictures: small differences are chance."
    )


def _one(found: Evidence) -> None:
    from core.figures.advice_evidence import accuracy_over_depth, probe_over_stages

    names = [name for name in TASKS if any(cell.task == name for cell in found.cells)]
    task = address.choose(
        st.selectbox,
        "One data set in full",
        names,
        name="set",
        what="data set",
        default="mnist-6000" if "mnist-6000" in names else names[0],
        format_func=lambda one: f"{TASKS[one].title}: {TASKS[one].about}",
    )
    cells = [cell for cell in found.cells if cell.task == task]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Accuracy over freeze depth**, a curve for each number of pictures of each class")
        chart(
            accuracy_over_depth(cells, found.arms, stages=len(found.stages), theme=frame.theme()),
            key="advise_depths",
        )
    measured = found.measures.get((task, None), ())
    if measured:
        with right:
            st.markdown("**What each frozen stage knows about it**, all training pictures; ★ the best stage")
            chart(
                probe_over_stages(measured, theme=frame.theme()),
                key="advise_probes",
            )
    st.caption(
        f"{TASKS[task].source}. {places.sizes(cells)[task]:,} training pictures of each class at most, "
        f"{cells[0].test_images:,} test pictures; bars: lowest and highest of {cells[0].seeds} seeds."
    )
