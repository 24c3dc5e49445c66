"""Where the task stands among the four quadrants, with the data sets that were measured as landmarks."""

import streamlit as st

from core.advice import evidence, places
from core.advice.quadrants import QUADRANTS, SMALL_BELOW
from core.advice.tasks import TASKS
from widgets import frame
from widgets.advise.advice_request import AdviceRequest
from widgets.chart import chart


def draw(request: AdviceRequest) -> None:
    """Draw the chart, and the dispute where the task may lie in its midst."""
    from core.figures.advice_quadrants import KnownDataSet, TaskPlace, quadrants

    measured = evidence.speaks_for(request.entry.name)
    sizes = places.sizes(() if measured is None else measured.cells)
    near = {one.task for one in request.advice.neighbours} if request.advice is not None else set()
    landmarks = [
        KnownDataSet(
            title=TASKS[name].title,
            about=TASKS[name].about,
            unlike=places.unlike(name),
            per_class=size,
            near=name in near,
        )
        for name, size in sizes.items()
    ]
    place = None
    if request.advice is not None:
        across, up = places.place(
            request.advice.kind, max(2, _per_class(request)), counted=request.measures is not None
        )
        place = TaskPlace(unlike=across, per_class=up)
    chart(
        quadrants(landmarks, place, theme=frame.theme()),
        key="advise_where",
    )
    st.caption(
        "**Gold**: data sets that we measured, in three columns from like to unlike everyday photographs; ringed: "
        f"those the advice leans on most. “Small” ends at {SMALL_BELOW:,} pictures of each class (Marcelino 2018); "
        "nobody measured that border."
    )


def _per_class(request: AdviceRequest) -> int:
    """Pictures of each class: counted, else as the visitor says."""
    if request.measures is not None:
        return request.measures.per_class
    return 0 if request.description is None else request.description.per_class


def dispute(request: AdviceRequest) -> None:
    """Show who contradicts whom, where the task's quadrant is disputed."""
    if request.advice is None:
        return
    for rule in request.advice.rules:
        entry = QUADRANTS[rule.quadrant]
        if not entry.disputed:
            continue
        with st.expander(
            "For few pictures of another kind, the sources contradict each other", type="compact"
        ):
            for one in entry.disputed:
                st.markdown(f"**{one.who}:** {one.says}.  \n:gray[{one.where}]")
