"""What the visitor looks at: a picture, a network and a place in it. Loaded once, shared by all visitors."""

import dataclasses
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import errors
from core.backbones import catalogue
from core.images import samples
from core.images.to_rgb import PictureReading
from core.runs import service
from core.words import megabytes
from widgets import address, frame, network_here
from widgets.network_picker import PRETRAINED, kept_weights, own_weights_of
from widgets.previews import PICTURES
from widgets.runs.visible import visible_run
from widgets.sheet.sheet import sheet

if TYPE_CHECKING:
    from core.interpretation.specimen import Specimen

RUN, RANDOM, OWN = "run:", "random:", "own"
TRAINED, CONTROL = "trained", "random"
_WEIGHTS = {TRAINED: "Trained", CONTROL: "Random, a control", OWN: "A file of mine"}
NETWORKS_KEPT = 6
THUMBNAIL = 84  # pixels
LARGEST_SHOWN = 448  # pixels; the picture as shown beside what the network sees of it


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """All that a view needs.

    ``pixels`` (S, S, 3) uint8 is what the network sees, ``large`` (448, 448, 3) the same square for the screen;
    ``picture_key`` names the picture, read by the rule of the network's run, in caches, ``specimen.key`` the network.
    ``picture`` is its name in the address. ``random`` is the same network with random weights, loaded on call.
    """

    picture: str
    picture_title: str
    picture_key: str
    pixels: NDArray[np.uint8]
    large: NDArray[np.uint8]
    box: samples.Box | None
    content: bytes
    reading: PictureReading
    specimen: "Specimen"

    @property
    def is_random(self) -> bool:
        """Whether the weights are random: the control."""
        return "/random-" in self.specimen.key

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the network's stages, from the input."""
        return tuple(stage.name for stage in self.specimen.entry.stages)

    def read_by(self, reading: PictureReading, side: int) -> "Look":
        """The same picture at ``side`` pixels by the rule of another run."""
        pixels, large = _decoded(self.content, hashlib.sha256(self.content).hexdigest(), side, reading)
        return dataclasses.replace(
            self, reading=reading, pixels=pixels, large=large, picture_key=_key(self.content, reading)
        )

    def random(self) -> "Specimen":
        """The same architecture with random weights, seeing pictures of the same size."""
        size = self.specimen.image_size
        found = specimen_of(RANDOM + self.specimen.entry.name, 0.0, PRETRAINED)
        return dataclasses.replace(found, key=f"{found.key}@{size}", image_size=size)


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner="Loading the network …")
def specimen_of(name: str, version: float, weights: str) -> "Specimen":
    """Load what the address calls ``name``: a catalogue entry, ``random:ENTRY``, or ``run:ID`` after training.

    Whoever calls has made sure that the visitor may see the run. ``weights`` are the path of a visitor's own file,
    or "pretrained"; a path is never in an address.
    """
    from core.interpretation import specimen

    if name.startswith(RUN):
        result = service.result(name.removeprefix(RUN))
        return specimen.specimen(
            f"{name}@{version}",
            service.network(name.removeprefix(RUN)),
            result.class_names,
            int(result.config["image_size"]),
        )
    if name.startswith(RANDOM):
        return specimen.random(name.removeprefix(RANDOM))
    return specimen.pretrained(name, weights)


def finished_runs() -> dict[str, str]:
    """This visitor's finished runs whose network can be looked at: ``run:ID`` and its title."""
    return {
        RUN + one.id: one.title
        for one in service.runs_of(frame.visitor())
        if one.spec.kind == "finetune" and one.state == "finished" and one.summary is not None
    }


def choose() -> Look | None:
    """Draw the pickers for picture and network; None until both can be shown."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        name, title, content, box = _picture()
    with right:
        chosen, weights = _network()
    if content is None:
        st.info("Choose a picture first.", icon=":material/image:")
        return None
    with frame.shown_errors():
        here = (
            weights != PRETRAINED
            or chosen not in catalogue.BACKBONES
            or network_here.is_here(
                chosen,
                key="layers_download",
                instead=", look at a file of your own, or at random weights",
            )
        )
        if not here:
            return None
        one = specimen_of(chosen, _version(chosen), weights)
        reading = reading_of(chosen)
        pixels, large = _decoded(content, hashlib.sha256(content).hexdigest(), one.image_size, reading)
        return Look(
            picture=name,
            picture_title=title,
            picture_key=_key(content, reading),
            pixels=pixels,
            large=large,
            box=box if reading.fit == "crop" else None,  # it was drawn on the centred square
            content=content,
            reading=reading,
            specimen=one,
        )
    return None


@st.cache_data(max_entries=64, show_spinner=False)
def _decoded(
    _content: bytes, sha256: str, side: int, reading: PictureReading
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    from core.images.decoding import decode

    return decode(_content, side, reading=reading)[0], decode(_content, LARGEST_SHOWN, reading=reading)[0]


def _key(content: bytes, reading: PictureReading) -> str:
    return f"{hashlib.sha256(content).hexdigest()}/{reading}"


def reading_of(name: str) -> PictureReading:
    """By which rule a network wants its pictures read: a run's by that of its own, all others by the usual one."""
    return service.result(name.removeprefix(RUN)).rule if name.startswith(RUN) else PictureReading()


# --- the picture ----------------------------------------------------------------------------------------


def _picture() -> tuple[str, str, bytes | None, samples.Box | None]:
    """Draw the choice of picture: name in the address, title, file (None: none yet), where the subject is."""
    names = [*samples.SAMPLES, OWN]
    name = address.read("picture", names, names[0])
    own: bytes | None = st.session_state.get("layers_own")
    sheet(
        _thumbnails("" if own is None else hashlib.sha256(own).hexdigest(), own),
        key="layers_pictures",
        columns=len(names),
        labels=[*(entry.title for entry in samples.SAMPLES.values()), "Your own picture"],
        chosen=names.index(name),
        on_choose=lambda number: address.write(picture=names[number]),
        largest=THUMBNAIL,
        smooth=True,
        about="Pictures to look at",
    )
    if name != OWN:
        entry = samples.sample(name)
        return name, entry.title, entry.read(), entry.box
    return OWN, "Your picture", _own_picture(), None


@st.cache_resource(max_entries=32, show_spinner=False)
def _thumbnails(own_sha256: str, _own: bytes | None) -> bytes:
    """All sample pictures and the visitor's own, or a plus sign in its place, as one picture."""
    from core.images.decoding import decode
    from core.interpretation import rendering

    tiles = [decode(entry.read(), THUMBNAIL)[0] for entry in samples.SAMPLES.values()]
    tiles.append(_plus() if _own is None else decode(_own, THUMBNAIL)[0])
    return rendering.encode(rendering.contact_sheet(np.stack(tiles), len(tiles), gap=2), quality=85)


def _plus() -> NDArray[np.uint8]:
    tile = np.full((THUMBNAIL, THUMBNAIL, 3), 96, dtype=np.uint8)
    middle, arm, half = THUMBNAIL // 2, THUMBNAIL // 4, THUMBNAIL // 28
    tile[middle - half : middle + half, middle - arm : middle + arm] = 235
    tile[middle - arm : middle + arm, middle - half : middle + half] = 235
    return tile


def _own_picture() -> bytes | None:
    """Take a picture from disk or camera; it stays in the server's memory and is never written to disk."""
    way = st.segmented_control(
        "Where it comes from",
        ["Upload", "Webcam"],
        default="Upload",
        required=True,
        key="layers_own_way",
        label_visibility="collapsed",
    )
    if way == "Webcam":
        file = st.camera_input("Take a picture", key="layers_camera", label_visibility="collapsed")
    else:
        file = st.file_uploader(
            "A picture", type=PICTURES, key="layers_file", label_visibility="collapsed", max_upload_size=50
        )
    if file is not None and file.getvalue() != st.session_state.get("layers_own"):
        with frame.shown_errors():
            _decoded(
                file.getvalue(), hashlib.sha256(file.getvalue()).hexdigest(), THUMBNAIL, PictureReading()
            )
            st.session_state["layers_own"] = file.getvalue()
            st.rerun()  # its thumbnail stands above this place
    content: bytes | None = st.session_state.get("layers_own")
    if content is None:
        st.caption(
            "It is kept in this server's memory while it is in use, and never written to disk; a link to this page "
            "does not carry it."
        )
    return content


# --- the network ----------------------------------------------------------------------------------------


def _network() -> tuple[str, str]:
    """Draw the choice of network and its weights: its name for `specimen_of`, and a file of the visitor's own."""
    runs = finished_runs()
    linked = st.query_params.get("network", "")
    named = {one: one.removeprefix(RUN) for one in runs}  # what stands in the address, and whose id that is
    if linked.startswith(RUN) and linked not in runs:
        with suppress(errors.RunError):  # somebody else's run, shown by a link that they share
            record = visible_run(linked.removeprefix(RUN)).record
            service.weights_path(record.id)
            runs[linked], named[linked] = record.title, record.id
    name = address.choose(
        st.selectbox,
        "Network",
        [*catalogue.BACKBONES, *runs],
        name="network",
        default=catalogue.BUILT_IN,
        forget=address.PLACES,
        format_func=lambda one: _label(one, runs),
    )
    if name.startswith(RUN):
        return RUN + named[name], PRETRAINED
    choice = address.choose(
        st.segmented_control,
        "Weights",
        list(_WEIGHTS),
        name="weights",
        default=TRAINED,
        format_func=_WEIGHTS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if choice == OWN:
        weights = own_weights_of(catalogue.entry(name), otherwise=kept_weights(name))
        if weights == PRETRAINED:
            st.caption("Until then you see the weights that come with it.")
        return name, weights
    return (RANDOM + name if choice == CONTROL else name), PRETRAINED


def _label(name: str, runs: dict[str, str]) -> str:
    if name in runs:
        return f"Run: {runs[name]}"
    entry = catalogue.entry(name)
    size = f" · {megabytes(entry.download_bytes)} to download" if entry.download_bytes else ""
    return f"{entry.title}{size}"


def _version(name: str) -> float:
    """When a run's result was written, since an extended run has new weights; 0 for all else."""
    if not name.startswith(RUN):
        return 0.0
    try:
        return service.result_path(name.removeprefix(RUN)).stat().st_mtime
    except OSError as error:
        raise errors.RunError("The network of this run is no longer stored here.") from error
