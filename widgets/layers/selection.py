"""What the visitor chose to look at: a picture and a network. Every view gets both as one object."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.images.picture import Picture
from core.images.samples import Box
from core.images.to_rgb import PictureReading
from core.runs import results
from widgets import frame, specimens
from widgets.layers import network_choice, picture_choice
from widgets.specimens import RANDOM, NetworkKey

if TYPE_CHECKING:
    from core.backbones.catalogue import BackboneEntry
    from core.interpretation.specimen import Specimen


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """A picture and a network; ``side`` is that of the network's input, in pixels."""

    picture: Picture
    network: NetworkKey
    side: int

    @cached_property  # a page asks for it hundreds of times, and a look into the cache is not free
    def specimen(self) -> "Specimen":
        """The network, loaded when it is needed."""
        return specimens.load(self.network)

    @property
    def entry(self) -> "BackboneEntry":
        """The network's architecture."""
        return self.specimen.entry

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the network's stages, from the input."""
        return tuple(stage.name for stage in self.entry.stages)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """What the network sees of the picture, (side, side, 3)."""
        return self.picture.squares[self.side]

    @property
    def large(self) -> NDArray[np.uint8]:
        """The same square for the screen, (448, 448, 3)."""
        return self.picture.squares[picture_choice.SHOWN]

    @property
    def box(self) -> Box | None:
        """Where the subject is, where somebody drew it."""
        return self.picture.box

    @property
    def control(self) -> NetworkKey:
        """The same architecture with random weights, seeing pictures of the same size."""
        return NetworkKey(name=RANDOM + self.entry.name, image_size=self.side)

    def seen_by(self, network: NetworkKey, reading: PictureReading, side: int) -> "Selection":
        """The same picture, as another network reads it."""
        return Selection(
            picture=picture_choice.read_by(self.picture, reading, side), network=network, side=side
        )


# What caches know a selection by: ``hash_funcs`` of every function that is given one.
BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {
    Selection: lambda selection: (selection.network, selection.picture.key)
}


def choose() -> Selection | None:
    """Draw the pickers for picture and network; None until both can be shown."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        picture = picture_choice.choose()
    network: NetworkKey | None = None
    with frame.shown_errors(), right:
        network = network_choice.choose()
    if picture is None:
        st.info("Choose a picture first.", icon=":material/image:")
        return None
    if network is None:
        return None
    with frame.shown_errors():
        if not network_choice.is_here(network):
            return None
        side = specimens.load(network).image_size
        return Selection(
            picture=picture_choice.read_by(picture, _reading_of(network), side), network=network, side=side
        )
    return None


def _reading_of(network: NetworkKey) -> PictureReading:
    """By which rule a network wants its pictures read: a run's by that of its own, all others by the usual one."""
    return PictureReading() if network.run is None else results.result(network.run).rule
