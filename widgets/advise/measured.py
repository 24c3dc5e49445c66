"""What was measured on the pictures, stage by stage, among data sets that a person knows."""

import streamlit as st

from core.advice import landmarks
from core.advice.landmarks import MEASURES, Measure, Scale
from core.advice.report import Measures
from widgets import frame
from widgets.advise.asked import Asked
from widgets.layers import address


def draw(asked: Asked) -> None:
    """Draw the scales of one stage, and all stages folded away; nothing where no pictures were measured."""
    found = asked.measures
    if found is None:
        return
    from core.figures import similarity as figures

    st.markdown("#### How your pictures look from behind each stage")
    names = [one.stage for one in found.stages]
    stage = address.choose(
        st.segmented_control,
        "Behind stage",
        names,
        name="behind",
        default=names[-1],
        what="stage",
        required=True,
    )
    scales = {(name, measure): _scale(asked, found, name, measure) for name in names for measure in MEASURES}
    here = [scales[stage, measure] for measure in MEASURES]
    st.plotly_chart(
        figures.scales(found, stage, here, theme=frame.theme()),
        key="advise_scales",
        theme=None,
        config=frame.CHART,
    )
    if not any(one.landmarks for one in here):
        st.caption(
            "Known data sets were not measured with this network, so there are no ticks to compare with."
        )
    seconds = sum(found.seconds.values())
    st.caption(
        f"{found.images:,} pictures looked at in {seconds:.1f} s"
        + f" ({', '.join(f'{name} {value:.1f} s' for name, value in found.seconds.items() if value >= 0.05)}). "
        + "Over 42,000 runs a plain vote of nearest neighbours beat 23 cleverer scores (arXiv 2503.18528), so it "
        "stands first."
    )
    box = st.expander("All stages", type="compact", key="advise_all_stages", on_change="rerun")
    if box.open:
        with box:
            st.plotly_chart(
                figures.by_stage(found, scales, theme=frame.theme()),
                key="advise_by_stage",
                theme=None,
                config=frame.CHART,
            )


def _scale(asked: Asked, found: Measures, stage: str, measure: Measure) -> Scale:
    own = None if asked.choice is None else asked.choice.reference
    return landmarks.scale(found.backbone, stage, measure, per_class=found.per_class, without=own)
