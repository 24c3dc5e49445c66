"""What does this channel want? The atlas' picture at once where there is one, and any picture forming live."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import DataError
from core.interpretation import atlas, rendering
from core.interpretation.atlas import CLASSES, Atlas
from widgets import computed_once, specimens
from widgets.layers.selection import Selection
from widgets.specimens import NetworkKey
from widgets.turns import long_turn

if TYPE_CHECKING:
    from core.interpretation.feature_visualisation import AscentStep

SHOWN, GAP = 256, 4  # pixels of a side on screen, and between pictures
DIVERSE = 4
DIVERSITY = 0.5  # share of the excitement that pictures give up to differ
REPORT_EVERY = 4
_FORMED = "layers_wish_formed"
# What caches know an atlas by: ``hash_funcs`` of every function that is given one.
BY_WEIGHTS: dict[str | type[Any], Callable[[Any], Any]] = {Atlas: attrgetter("weights_sha256")}


def atlas_of(network: NetworkKey) -> Atlas | DataError:
    """Read the atlas of this very network; what is wrong, in one sentence, where there is none."""
    if network != NetworkKey(name=network.name) or network.is_random:
        return DataError(
            "An atlas shows a network as its weights were handed out; here, watch one picture form at a time."
        )
    try:
        return _atlas(network.name)
    except DataError as error:
        return error


@st.cache_resource(max_entries=4, show_spinner=False)
def _atlas(network: str) -> Atlas:
    return atlas.load(network)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=BY_WEIGHTS)
def tiles_of(known: Atlas, stage: str) -> NDArray[np.uint8]:
    """The atlas' pictures of a stage (N, tile, tile, 3), decoded once for all visitors."""
    return known.tiles(stage)


def draw(selection: Selection, stage: str, channel: int) -> None:
    """Draw the panel for a channel of a stage, or for a class where the stage is "classes"."""
    known = atlas_of(selection.network)
    place = st.empty()
    if isinstance(known, Atlas) and stage in known.sheets:
        _show(
            place,
            tiles_of(known, stage)[channel][None],
            "What it wants most, from the atlas: optimised, not a photograph.",
        )
    several, control = _options(selection)
    left, right = st.columns(2)
    start = left.button(
        "Watch it form",
        key="layers_wish_start",
        icon=":material/play_arrow:",
        type="primary",
        width="stretch",
    )
    question = (selection.network, stage, channel, several, control)
    if start:
        # Any click, on this button too, ends the script that is drawing.
        stop = right.empty()
        stop.button("Stop", key="layers_wish_stop", icon=":material/stop:", width="stretch")
        formed = _form(place, selection, stage, channel, several=several, control=control)
        computed_once.keep(_FORMED, question, formed)
        stop.empty()
    formed = computed_once.kept(_FORMED, question)
    if formed is not None:
        _show(place, *formed)


def _options(selection: Selection) -> tuple[bool, bool]:
    with st.container(horizontal=True):
        several = st.toggle(
            f"{DIVERSE} that differ",
            key="layers_wish_several",
            help="One channel can want several things. Each picture is pushed away from the others "
            "(the diversity term of Olah et al. 2017).",
        )
        control = not selection.network.is_random and st.toggle(
            "Beside random weights",
            key="layers_wish_control",
            help="The same ascent on the same architecture that has learned nothing: what of the picture is training, "
            "and what is only architecture?",
        )
    return several, control


def _form(
    place: Any, selection: Selection, stage: str, channel: int, *, several: bool, control: bool
) -> tuple[NDArray[np.uint8], str]:
    """Climb, showing every few steps; what stands there at the end comes back: pictures and their words."""
    networks = [selection.network, selection.control] if control else [selection.network]
    done: list[NDArray[np.uint8]] = []
    words: list[str] = []
    bar = st.progress(0.0, "Waiting for another visitor's picture …")
    with long_turn():
        for number, network in enumerate(networks):
            for progress in _ascent(network, stage, channel, several):
                whole = (number + progress.step / progress.steps) / len(networks)
                bar.progress(whole, f"Step {progress.step} of {progress.steps}")
                says = _says(stage, progress.values, random=network.is_random)
                _show(place, np.concatenate([*done, progress.pictures]), "  \n".join([*words, says]))
            done.append(progress.pictures)
            words.append(says)
    bar.empty()
    return np.concatenate(done), "  \n".join(words)


def _ascent(network: NetworkKey, stage: str, channel: int, several: bool) -> "Iterator[AscentStep]":
    import torch

    from core.interpretation import feature_visualisation as visualisation
    from core.training import precision

    specimen = specimens.load(network)
    ascent = visualisation.Ascent(
        report_every=REPORT_EVERY,
        diversity=DIVERSITY if several else 0.0,
        autocast=precision.autocast_type(torch.device("cpu")),
    )
    fitted = visualisation.fitted(specimen, stage, ascent)
    return visualisation.ascend(specimen, stage, [channel] * (DIVERSE if several else 1), fitted)


def _says(stage: str, values: NDArray[np.float32], *, random: bool) -> str:
    """How much the pictures on screen excite their channel, and what they are."""
    answers = ", ".join(f"{value:.2f}" for value in values)
    what = "the class's score is" if stage == CLASSES else "the channel answers"
    return f"{'Random weights' if random else 'Grown from noise, not a photograph'}: {what} {answers}."


def _show(place: Any, pictures: NDArray[np.uint8], words: str) -> None:
    """Draw pictures side by side, four a row, with one line of words."""
    side = SHOWN if len(pictures) <= 2 else SHOWN // 2
    large = np.stack([rendering.enlarged(picture, side) for picture in pictures])
    columns = min(len(large), DIVERSE)
    drawn = rendering.contact_sheet(large, columns, gap=GAP)[:-GAP, :-GAP]
    with place.container():
        st.image(
            rendering.encode(drawn, quality=90),
            alt="What the channel or class wants, "
            + ("one picture" if len(large) == 1 else f"{len(large)} pictures"),
        )
        st.caption(words)
