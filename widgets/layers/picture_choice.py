"""The choice of a picture to look at: one that comes with the lab, or the visitor's own. Each is read once."""

from operator import attrgetter

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.backbones import catalogue
from core.errors import DataError
from core.images import picture, samples
from core.images.picture import Picture, Squares
from core.images.to_rgb import PictureReading
from widgets import address, computed_once, frame
from widgets.layers import run_picture
from widgets.previews import PICTURES
from widgets.sheet.sheet import sheet

OWN = "own"
THUMBNAIL = 84  # pixels
SHOWN = 448  # pixels; the picture as shown beside what the network sees of it
# Those of the catalogue's networks, too: whichever is chosen next, the picture need not be decoded again.
SIDES = frozenset({THUMBNAIL, SHOWN, *(catalogue.entry(name).image_size for name in catalogue.offered())})
_OWN = "layers_own"


def choose() -> Picture | None:
    """Draw the choice of picture; None while there is no picture of the visitor's own yet."""
    tested = run_picture.named(SIDES)
    names = [*samples.SAMPLES, OWN, *([tested.name] if tested else [])]
    name = address.read("picture", names, names[0])
    own: Picture | None = st.session_state.get(_OWN)
    sheet(
        _thumbnails(own, tested),
        key="layers_pictures",
        columns=len(names),
        labels=[
            *(entry.title for entry in samples.SAMPLES.values()),
            "Your own picture",
            *([tested.title] if tested else []),
        ],
        chosen=names.index(name),
        on_choose=lambda number: address.write(picture=names[number]),
        largest=THUMBNAIL,
        smooth=True,
        about="Pictures to look at",
    )
    if tested is not None and name == tested.name:
        return tested
    return _own_picture(own) if name == OWN else sample(name)


@st.cache_resource(show_spinner=False)
def sample(name: str) -> Picture:
    """Read a picture that comes with the lab."""
    entry = samples.sample(name)
    return picture.read(entry.read(), SIDES, name=name, title=entry.title, subject=entry.box)


def read_by(chosen: Picture, reading: PictureReading, side: int) -> Picture:
    """Have a picture as a network wants it: decoded again only for a rule or size that is a run's own."""
    if reading == chosen.reading and side in chosen.squares:
        return chosen
    return chosen.with_squares(reading, _squares(chosen, reading, side))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Picture: attrgetter("sha256")})
def _squares(chosen: Picture, reading: PictureReading, side: int) -> Squares:
    return picture.squares_of(chosen.content, {side, SHOWN}, reading)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Picture: attrgetter("sha256")})
def _thumbnails(own: Picture | None, tested: Picture | None) -> bytes:
    """All sample pictures, the visitor's own or a plus sign in its place, and a run's, as one picture."""
    from core.interpretation import rendering

    tiles = [sample(name).squares[THUMBNAIL] for name in samples.SAMPLES]
    tiles.append(_plus() if own is None else own.squares[THUMBNAIL])
    if tested is not None:
        tiles.append(tested.squares[THUMBNAIL])
    return rendering.encode(rendering.contact_sheet(np.stack(tiles), len(tiles), gap=2), quality=85)


def _plus() -> NDArray[np.uint8]:
    tile = np.full((THUMBNAIL, THUMBNAIL, 3), 96, dtype=np.uint8)
    middle, arm, half = THUMBNAIL // 2, THUMBNAIL // 4, THUMBNAIL // 28
    tile[middle - half : middle + half, middle - arm : middle + arm] = 235
    tile[middle - arm : middle + arm, middle - half : middle + half] = 235
    return tile


def _own_picture(own: Picture | None) -> Picture | None:
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
    if file is not None:
        with frame.shown_errors():
            sent = computed_once.once_a_visit(
                "layers_sent", file.file_id, lambda: read_own(file.getvalue()), refusal=DataError
            )
            if sent is not own:
                st.session_state[_OWN] = sent
                st.rerun()  # its thumbnail stands above this place
    if own is None:
        st.caption(
            "It is kept in this server's memory while it is in use, and never written to disk; a link to this page "
            "does not carry it."
        )
    return own


def read_own(content: bytes) -> Picture:
    """Read a visitor's picture. Raises `DataError`."""
    return picture.read(content, SIDES, name=OWN, title="Your picture")
