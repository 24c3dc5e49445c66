"""General to specific: how well every stage tells classes apart, measured on a data set, beside HOG and SIFT."""

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import streamlit as st

from core.datasets import catalogue
from core.datasets.open import load
from core.images.picture import Picture
from core.interpretation import specificity_measurement
from core.interpretation.specificity_measurement import (
    AT_ONCE,
    COUNTS,
    DATA,
    SpecificityMeasurement,
    SpecificityQuestion,
    usual_count,
)
from core.runs import service
from core.runs.spec import UPLOAD
from widgets import address, encoded_picture, frame, specimens
from widgets.chart import chart
from widgets.computed_once import ComputedOnce, WorkBar
from widgets.layers.picture_choice import SHOWN
from widgets.layers.selection import BY_KEY, Selection
from widgets.specimens import NetworkKey

if TYPE_CHECKING:
    from core.datasets.dataset import ImageDataset
    from core.interpretation.specificity_report import Measure

STOP = "specificity_stop"
CLASSICAL_SIDE = 224  # pixels at which HOG and SIFT are drawn
MEASURES: dict[str, str] = {"probe": "Linear probe", "neighbours": "Nearest neighbours"}


def draw(selection: Selection) -> None:
    """Draw the view."""
    sets = _sets()
    data, count, way = st.columns([2, 1, 2], vertical_alignment="bottom")
    with data:
        reference = address.choose(
            st.selectbox,
            "Data set",
            list(sets),
            name="data",
            default=DATA,
            what="data set",
            format_func=sets.__getitem__,
        )
    with count:
        most = address.choose(
            st.segmented_control,
            "Pictures",
            [str(count) for count in COUNTS],
            name="images",
            default=str(usual_count(selection.entry)),
            required=True,
        )
    with way:
        measure = address.choose(
            st.segmented_control,
            "How the classes are read",
            list(MEASURES),
            name="measure",
            default="probe",
            format_func=MEASURES.__getitem__,
            required=True,
        )
    measured = _measured(selection, reference, int(most))
    if measured is not None:
        _charts(measured, "neighbours" if measure == "neighbours" else "probe", selection.network.is_random)
    _classical(selection)
    if measured is not None:
        _method(measured)


def _sets() -> dict[str, str]:
    """The data sets that can be measured on, by reference: built in, and this visitor's own."""
    built_in = {name: entry.title for name, entry in catalogue.DATASETS.items() if entry.kind == "builtin"}
    own = {UPLOAD + upload.token: f"My own: {upload.name}" for upload in service.uploads_of(frame.visitor())}
    return built_in | own


# --- measuring ------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=32, show_spinner=False)
def _measurement(
    network: NetworkKey, reference: str, most: int, fit: str
) -> ComputedOnce[SpecificityMeasurement]:
    return ComputedOnce()


def _shipped(selection: Selection, reference: str, most: int) -> SpecificityMeasurement | None:
    """Look up what was measured beforehand, of a network as it was published."""
    key = selection.network
    if key != NetworkKey(name=key.name) or key.is_random or key.run is not None:
        return None
    fit = selection.picture.reading.fit
    return specificity_measurement.shipped(
        SpecificityQuestion(network=key.name, data=reference, most=most, side=selection.side, fit=fit)
    )


def _measured(selection: Selection, reference: str, most: int) -> SpecificityMeasurement | None:
    """Look up the measurement, or make it; None until somebody asks for a long one."""
    found = _shipped(selection, reference, most)
    if found is not None:
        return found
    measurement = _measurement(selection.network, reference, most, selection.picture.reading.fit)
    if measurement.answer is None:
        entry = selection.entry
        stopped = measurement.was_stopped(STOP)
        if stopped or 2 * most * entry.multiply_adds > AT_ONCE:
            st.caption(
                "Stopped; nothing of it was kept."
                if stopped
                else f"{entry.title} is large; on a small machine this takes a few minutes."
            )
            if not st.button(
                "Measure", type="primary", icon=":material/straighten:", key="specificity_measure"
            ):
                return None
        with frame.shown_errors():
            measurement.compute(
                partial(_measure, selection, reference, most),
                waiting="Waiting for another measurement to end …",
                stop=STOP,
            )
    return measurement.answer


def _measure(selection: Selection, reference: str, most: int, bar: WorkBar) -> SpecificityMeasurement:
    bar.progress(0.0, "Reading the pictures …")
    dataset = _open(reference, selection.side, selection.picture.reading.fit)
    control = specimens.load(selection.control)
    with specimens.quick():
        for state in specificity_measurement.measure(selection.specimen, control, dataset, most):
            if isinstance(state, SpecificityMeasurement):
                return state
            bar.progress(state.share, f"{state.phase} …")
    raise AssertionError("a measurement ends with what it found")


def _open(reference: str, side: int, fit: str) -> "ImageDataset":
    if not reference.startswith(UPLOAD):
        return load(reference, side=side, fit=fit)
    from core.datasets.foreign import from_zip

    return from_zip(service.upload_path(frame.visitor(), reference), side=side, fit=fit)


# --- drawing --------------------------------------------------------------------------------------------


def _charts(measured: SpecificityMeasurement, measure: "Measure", is_random: bool) -> None:
    from core.figures import specificity as figures
    from core.interpretation.specificity_report import findings

    theme = frame.theme()
    if is_random:
        st.info("Random weights are chosen above, so both lines are the control.", icon=":material/casino:")
    said = findings(measured.report, measured.classical, measure)
    st.markdown(f"## {said[0]}")
    st.markdown(" ".join(said[1:]))
    here, paper = st.columns([3, 2], gap="medium")
    with here:
        when = "Measured beforehand" if measured.shipped else "Measured here"
        st.markdown(f"**{when}:** pictures named rightly from what each stage answers")
        drawn = figures.accuracy_by_stage(measured.report, measured.classical, measure=measure, theme=theme)
        chart(drawn, key="specificity_accuracy", says=said[0], said=True)
    with paper:
        st.markdown("**Published:** the first n layers copied, the others trained anew")
        drawn = figures.published(theme=theme)
        chart(drawn, key="specificity_published")
    st.caption(
        "Published: Yosinski et al. 2014, arXiv 1411.1792, from the authors' logs; an AlexNet-like network, two halves "
        "of ImageNet; dotted: copied from the same task; dashed: ends only, for halves that differ. They trained all "
        "layers above the cut, with half of ImageNet; here one linear layer reads a stage, from a few hundred "
        "pictures. So their dip in the middle is also about layers that had learned to work together, and only the "
        "fall at the end is about features that are specific."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Do channels prefer a class?** Median and quartiles over channels")
        drawn = figures.selectivity_by_stage(measured.report.stages, theme=theme)
        chart(drawn, key="specificity_selectivity")
    with right:
        st.markdown("**Which stages see alike?** Linear CKA; 1: the same, 0: nothing in common")
        drawn = figures.similarity_of_stages(measured.report, theme=theme)
        chart(drawn, key="specificity_cka")


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs={Picture: attrgetter("key")})
def _classical_pictures(picture: Picture) -> tuple[bytes, bytes, int]:
    from core.images.decoding import square_from_array
    from core.interpretation import classical, rendering

    square = square_from_array(picture.squares[SHOWN], CLASSICAL_SIDE)
    strokes = rendering.ramp(rendering.scaled(classical.hog_picture(square)))
    points, count = classical.keypoint_picture(square)
    return rendering.encode(strokes), rendering.encode(points), count


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs=BY_KEY)
def _stage_pictures(selection: Selection) -> dict[str, bytes]:
    from core.interpretation import rendering, specificity

    return {
        name: rendering.encode(rendering.map_tiles(values[None], CLASSICAL_SIDE)[0])
        for name, values in specificity.activity(selection.specimen, selection.pixels).items()
    }


def _classical(selection: Selection) -> None:
    """Show what classical features see of the picture, then every stage."""
    title = selection.picture.title
    st.markdown(f"**{frame.plain(title)}, as HOG, SIFT and each stage see it**")
    with st.spinner("Drawing …"):
        strokes, points, count = _classical_pictures(selection.picture)
        stages = _stage_pictures(selection)
    with st.grid(8, min_column_width=120, gap="small", key="specificity_pictures"):
        for picture, name in (
            (strokes, "HOG: edge directions, cell by cell"),
            (points, f"SIFT: {count:,} corners and blobs" if count else "SIFT: no keypoint found"),
            *((picture, f"{name}: mean activity") for name, picture in stages.items()),
        ):
            with st.container(gap="xxsmall"):
                encoded_picture.draw(picture, width="stretch", alt=f"{title}, {name}")
                st.caption(frame.plain(name))


def _method(measured: SpecificityMeasurement) -> None:
    report = measured.report
    if measured.shipped:
        st.caption(f"{measured.shipped} Choose another data set or number, and it is measured here.")
    with st.expander("How it was measured"):
        copies = f" {measured.duplicates:,} exact copies were left out." if measured.duplicates else ""
        st.markdown(
            f"- **{report.images:,} of {measured.available:,} pictures**, {report.classes} classes, drawn evenly over "
            f"the classes (seed 0) from the training part; the test part stays unseen.{copies} "
            f"{report.seconds:.1f} s for the two networks.\n"
            "- **Features**: one forward pass; each channel's mean over the picture. Stages differ in their number of "
            "channels, and more channels are easier to read; the random network has just as many.\n"
            "- **Linear probe**: logistic regression, five folds, each picture named by a classifier that has not seen "
            "it; standardised and its penalty chosen inside the fold.\n"
            f"- **Nearest neighbours**: the {report.voters} most alike other pictures vote (cosine of standardised "
            "features), each picture left out in turn.\n"
            "- **Intervals**: Wilson, 95 %, each picture counted once. They say how other test pictures would change "
            "the figure, not other training pictures: in simulations they held the true value 83 to 93 % of the time. "
            "Differences are on the same pictures (Newcombe's interval); a stage picked for being the best pays for "
            "every stage it was picked from: its interval is that much wider (Bonferroni).\n"
            "- **Selectivity**: (largest class mean − mean of the others) / their sum, Morcos et al. 2018, arXiv "
            "1803.06959; of the positive part of each channel. Shuffled labels show what luck gives.\n"
            "- **CKA**: Kornblith et al. 2019, arXiv 1905.00414, debiased (Nguyen et al. 2021, arXiv 2010.15327).\n"
            "- **No network**: raw pixels (32 × 32), HOG (Dalal & Triggs 2005) and SIFT (Lowe 2004; 100 visual words, "
            "for the probe learned inside the fold) by scikit-image, all at 64 × 64 pixels."
        )
