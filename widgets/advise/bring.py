"""The question in pictures: choose them, and they are looked at through the network, stage by stage."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.advice import advisor, evidence, familiar
from core.advice.report import MOST_IMAGES, Description, Measures
from core.advice.tasks import TASKS
from core.backbones.catalogue import BackboneEntry
from core.datasets import catalogue
from core.errors import DataError
from core.words import megabytes
from widgets import address, data_picker, frame, network_here, specimens
from widgets.advise import network_choice, pictures, questions
from widgets.advise.advice_request import AdviceRequest
from widgets.advise.questions import TaskAnswers
from widgets.computed_once import ComputedOnce, WorkBar
from widgets.network_picker import PRETRAINED, kept_weights
from widgets.previews import Choice
from widgets.specimens import NetworkKey

# Multiply-adds of one forward pass of all pictures that begins without being asked for.
AT_ONCE = 3e11
MOST = 600  # pictures that are looked at; the advice hardly gains beyond
QUICK, CLOSE = "quick", "close"
_LOOKS = {QUICK: "Quick look", CLOSE: "Closer look: linear probes, too"}
STOP = "advise_measure_stop"


def ask() -> AdviceRequest:
    """Draw the pickers; the pictures are measured as soon as that takes seconds only."""
    choice = data_picker.pick()
    entry = network_choice.choose()
    look = address.choose(
        st.segmented_control,
        "How closely the pictures are looked at",
        list(_LOOKS),
        name="look",
        default=QUICK,
        format_func=_LOOKS.__getitem__,
        required=True,
    )
    answers = _say_more()
    if choice is None:
        return AdviceRequest(entry=entry)
    with frame.shown_errors():
        measures = _measured(entry, choice, probe=look == CLOSE)
        if measures is not None:
            description = _described(answers, measures)
            # The first time it looks back at how far off such advice was: a second or two.
            with st.spinner("Comparing them with the measured data sets …"):
                known_as = choice.reference if choice.reference in TASKS else familiar.data_set(measures)
                advice = advisor.from_measures(
                    measures, entry.name, description=description, known_as=known_as
                )
            return AdviceRequest(
                entry=entry,
                description=description,
                choice=choice,
                measures=measures,
                known_as=known_as,
                advice=advice,
            )
    return AdviceRequest(entry=entry, choice=choice)


def _say_more() -> TaskAnswers:
    """Fold the questions away, unless the visitor came with answers to them."""
    answered = any(name in st.query_params for name in questions.NAMES)
    # Decided once: a fold that opened and closed with the answers would jump under the visitor's hand.
    opened = st.session_state.setdefault("advise_say_more", answered)
    with st.expander("Say more about them (optional)", expanded=opened, type="compact"):
        return questions.ask()


def _described(answers: TaskAnswers, measures: Measures) -> Description | None:
    """What the visitor said about pictures that are counted already; None where that is nothing."""
    if not answers:
        return None
    return answers.about(per_class=min(max(measures.per_class, 2), MOST_IMAGES), classes=measures.classes)


# --- measuring ------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def _measurement(network: NetworkKey, pictures: str, probe: bool) -> ComputedOnce[Measures]:
    return ComputedOnce()


def _measured(entry: BackboneEntry, choice: Choice, *, probe: bool) -> Measures | None:
    """Look up the measurement, or make it, showing how far it is; None until somebody asks for a long one."""
    network_key = NetworkKey(name=entry.name, weights=kept_weights(entry.name))
    measurement = _measurement(network_key, choice.key, probe)
    if measurement.answer is not None:
        return measurement.answer
    if network_key.weights == PRETRAINED and not network_here.is_here(entry.name, key="advise_download"):
        return None
    question = st.empty()
    if measurement.was_stopped(STOP):
        if not question.button("Go on measuring", icon=":material/straighten:", key="advise_measure_again"):
            return None
    elif not _may_begin(question, entry, choice):
        return None
    question.empty()
    return measurement.compute(
        partial(_measure, network_key, choice, probe=probe),
        waiting="Waiting for another measurement to end …",
        stop=STOP,
    )


def _may_begin(where: DeltaGenerator, entry: BackboneEntry, choice: Choice) -> bool:
    """Ask first where pictures must be downloaded, or where it takes long."""
    row = catalogue.DATASETS.get(choice.reference)
    if row is not None and row.kind == "download":
        from core.datasets.downloads import is_downloaded

        if not is_downloaded(row.name):
            return where.button(
                f"Download {megabytes(row.download_bytes)} and measure",
                type="primary",
                icon=":material/download:",
                key="advise_fetch",
            )
    share = (evidence.side(entry.name) / entry.image_size) ** 2  # of the work at the network's own side
    if _looked_at(choice) * share * entry.multiply_adds <= AT_ONCE:
        return True
    return where.button(
        f"Look at them with {entry.title}",
        type="primary",
        icon=":material/straighten:",
        key="advise_measure",
        help=f"It takes longer than with the small networks: {entry.multiply_adds / 1e9:.1f} billion "
        "multiplications a picture.",
    )


def _looked_at(choice: Choice) -> int:
    """How many pictures will be looked at, at most."""
    if choice.preview is None:
        return MOST
    counts = choice.preview().train
    return min(MOST, sum(min(count, choice.per_class or count) for count in counts))


def _measure(network_key: NetworkKey, choice: Choice, bar: WorkBar, *, probe: bool) -> Measures:
    from core.advice import similarity

    bar.progress(0.0, "Loading the network …")
    specimen = specimens.load(network_key)

    def read(done: int, total: int) -> None:
        bar.progress(0.5 * min(done / max(total, 1), 1.0), "Reading the pictures …")

    images, labels, class_names = pictures.of(choice, evidence.side(network_key.name), read)
    for state in similarity.steps(
        specimen.backbone,
        images,
        labels,
        class_names,
        probe=probe,
        most=MOST,
    ):
        if isinstance(state, Measures):
            return state
        bar.progress(0.5 + 0.5 * state.share, f"{state.phase} …")
    raise DataError("These pictures could not be measured.")
