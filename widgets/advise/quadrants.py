"""Where the task stands among the four quadrants, with the data sets that were measured as landmarks."""

import streamlit as st

from core.advice import evidence, places
from core.advice.quadrants import QUADRANTS, SMALL_BELOW
from core.advice.tasks import TASKS
from widgets import frame
from widgets.advise.advice_request import AdviceRequest
from widgets.chart import chart


def draw(request: AdviceRequest) -> None:
    """Draw the chart, and the dispute where the task lies in its midst."""
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
    known = _known(request)
    place = None if known is None else TaskPlace(unlike=known[0], per_class=known[1])
    chart(
        quadrants(landmarks, place, theme=frame.theme()),
        key="advise_where",
    )
    st.caption(
        "**Gold**: data sets that we measured, in three columns from like to unlike everyday photographs; ringed: "
        f"nearest to yours. “Small” ends at {SMALL_BELOW:,} pictures of each class (Marcelino 2018); nobody measured "
        "that border."
    )


def _known(request: AdviceRequest) -> tuple[tuple[float, float], tuple[int, int]] | None:
    """From where to where the task lies on both axes: as the visitor says, else as the pictures say."""
    if request.measures is None or request.advice is None:
        return None if request.description is None else places.described(request.description)
    across, up = places.among(request.advice.neighbours, request.measures.per_class)
    if request.description is not None and request.description.similarity is not None:
        across, _ = places.described(request.description)
    return across, up


def dispute(request: AdviceRequest) -> None:
    """Show who contradicts whom, where the task's quadrant is disputed."""
    if request.advice is None:
        return
    entry = QUADRANTS[request.advice.rule.quadrant]
    if not entry.disputed:
        return
    with st.expander("For few pictures of another kind, the sources contradict each other", type="compact"):
        for one in entry.disputed:
            st.markdown(f"**{one.who}:** {one.says}.  \n:gray[{one.where}]")
