"""What was measured on the pictures, stage by stage, among data sets that a person knows."""

import streamlit as st

from core.advice import landmarks
from core.advice.landmarks import MEASURES, Scale, TaskMeasure, between, place
from core.advice.report import Measures
from core.words import count, seconds
from widgets import address, frame
from widgets.advise.advice_request import AdviceRequest
from widgets.chart import chart


def draw(request: AdviceRequest) -> None:
    """Draw the scales of one stage, and all stages folded away; nothing where no pictures were measured."""
    found = request.measures
    if found is None:
        return
    from core.figures import similarity as figures

    st.markdown("### How your pictures look from behind each stage")
    st.markdown(
        "Nothing is trained for this. The frozen network is read after one of its stages: can your classes be told "
        "apart there, and how far are your pictures from those it learned from?"
    )
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
    here = [_scale(request, found, stage, measure) for measure in MEASURES]
    scales = figures.scales(found, stage, here, theme=frame.theme())
    chart(scales, key="advise_scales")
    if not any(one.landmarks for one in here):
        st.caption(
            "Known data sets were not measured with this network, so there are no ticks to compare with."
        )
    _in_words(found, stage, here)
    st.caption(
        f"{count(found.images, 'picture')} looked at in {seconds(sum(found.seconds.values()), 1)}. Bars: 95 % "
        "intervals. Over 42,000 runs a plain vote of nearest neighbours beat 23 cleverer scores (arXiv 2503.18528), so "
        "it stands first."
    )
    with st.expander("What these measures are", type="compact"):
        st.markdown(
            "\n".join(
                f"- **{MEASURES[one].title}.** {MEASURES[one].about}"
                for one in figures.ORDER
                if any(getattr(row, one) is not None for row in found.stages)
            )
        )
    box = st.expander("All stages", type="compact", key="advise_all_stages", on_change="rerun")
    if box.open:
        with box:
            chart(
                figures.by_stage(
                    found,
                    {
                        (name, measure): _scale(request, found, name, measure)
                        for name in names
                        for measure in MEASURES
                    },
                    theme=frame.theme(),
                ),
                key="advise_by_stage",
            )


def _in_words(found: Measures, stage: str, here: list[Scale]) -> None:
    """Say where the pictures stand by the two measures that a person needs no theory for."""
    row = next(one for one in found.stages if one.stage == stage)
    for scale in here:
        value = place(found, row, scale.measure)
        if scale.measure not in ("neighbours", "frechet") or value is None or not scale.landmarks:
            continue
        st.markdown(f"**{MEASURES[scale.measure].title}:** {between(value, scale)}")


def _scale(request: AdviceRequest, found: Measures, stage: str, measure: TaskMeasure) -> Scale:
    return landmarks.scale(
        found.backbone, stage, measure, per_class=found.per_class, without=request.known_as
    )
