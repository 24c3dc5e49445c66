"""From riding to pictures: what corresponds to what, and the experiment again with motorcycles as images."""

import streamlit as st

from core.figures.picture_bridge import colour_of, few_shot
from core.metrics.classification import mean_interval
from core.riding import picture_bridge
from core.riding.picture_bridge import ARMS, COUNTS
from core.words import percent
from widgets import frame
from widgets.chart import chart


def draw() -> None:
    """Draw the table of correspondences and the measured curves."""
    st.markdown(frame.prose("riding_bridge"))
    st.header("Bicycles and motorcycles as pictures", anchor=False)
    measured = picture_bridge.measured()
    if measured is None:
        st.caption("Not measured yet: tools/measure_picture_bridge.py makes the figures.")
        return
    st.markdown(frame.prose("riding_pictures"))
    lines = []
    for name, arm in ARMS.items():
        dots = "┅┅" if name == "built_in_bicycle" else "━━"
        lines.append(f":{colour_of(arm)}[{dots} **{arm.title}**]: {arm.what}")
    st.markdown("  \n".join(lines))
    drawn = few_shot(measured.accuracy, ARMS, COUNTS, theme=frame.theme())
    chart(drawn, key="riding_pictures")
    st.markdown("\n".join(f"- {one}" for one in picture_bridge.lessons(measured)))
    with st.expander("The figures"):
        st.markdown(picture_bridge.table(measured))
    facts = measured.provenance
    sources = " and ".join(
        f"{percent(mean_interval(list(row)).value)} ({ARMS[name].title.lower()})"
        for name, row in measured.sources.items()
    )
    st.caption(
        f"Mean over {len(next(iter(measured.accuracy.values())))} seeds with its 95 % interval; "
        f"{facts['test_pictures']} held-out pictures, half of them motorcycles. {facts['data']}; {facts['network']}; "
        f"{facts['training']}; {facts['source_pictures']} source pictures. On held-out bicycles the sources reach "
        f"{sources}. Measured {facts['date']} in {facts['cpu_seconds'] / 60:.0f} minutes on one core by "
        "tools/measure_picture_bridge.py; the pictures themselves are not part of the lab."
    )
