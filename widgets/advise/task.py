"""The question: a task in plain words, or pictures; and the network that is to learn it."""

import streamlit as st

from core.advice import advisor
from core.backbones.catalogue import BackboneEntry
from widgets import address, frame, specimens
from widgets.advise import bring, network_choice, questions
from widgets.advise.advice_request import AdviceRequest
from widgets.specimens import NetworkKey
from widgets.turns import short_turn

WORDS, PICTURES = "words", "pictures"
_WAYS = {WORDS: "Describe it", PICTURES: "Bring pictures"}
PER_CLASS, CLASSES = 20, 5  # what the form begins with
AT_ONCE = 2e9  # multiply-adds of one picture up to which a network is timed without being asked
_MEANINGLESS_HERE = ("data", "pictures")


def ask() -> AdviceRequest:
    """Draw the switch and what belongs to it; the answer is worked out at once."""
    way = address.choose(
        st.segmented_control,
        "How you tell us",
        list(_WAYS),
        name="way",
        default=WORDS,
        forget=_MEANINGLESS_HERE,
        format_func=_WAYS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if way == PICTURES:
        return bring.ask()
    return _describe()


def _describe() -> AdviceRequest:
    count, classes = st.columns(2, gap="small")
    with count:
        per_class = address.enter("Pictures of each class, about", name="images", default=PER_CLASS)
    with classes:
        kinds = address.enter("Classes", name="classes", default=CLASSES)
    answers = questions.ask()
    entry = network_choice.choose()
    with frame.shown_errors():
        description = answers.about(per_class=per_class, classes=kinds)
        # Nothing, once the server is warm; the first visitor's page waits for PyTorch here.
        with st.spinner("Looking through what was measured …"):
            advice = advisor.from_description(description, entry.name, pass_seconds=_pass_seconds(entry))
        return AdviceRequest(entry=entry, description=description, advice=advice)
    return AdviceRequest(entry=entry)


def _pass_seconds(entry: BackboneEntry) -> float | None:
    """Seconds that one picture takes to pass through the network here; None where nobody can tell at once."""
    from core.backbones import weights

    if entry.multiply_adds > AT_ONCE or not weights.are_here(entry.name):
        return None
    return _timed(entry.name)


@st.cache_resource(max_entries=32, show_spinner="Timing this machine …")
def _timed(name: str) -> float:
    from core.advice import candidates

    with short_turn():
        specimen = specimens.load(NetworkKey(name=name))
        return candidates.timed(specimen.backbone, specimen.entry.finetune_size).median / 1000
