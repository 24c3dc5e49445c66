"""A run's network over its epochs: how far its stages have moved, computed once, shared by all visitors."""

import dataclasses

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import RunError
from core.interpretation.change_report import EpochChange, StageChange
from core.runs import results
from widgets import specimens
from widgets.specimens import NetworkKey
from widgets.turns import short_turn

TEST_PICTURES = 64  # that CKA is measured on: evenly spread over the run's test pictures


def at_epoch(network: NetworkKey, epoch: int) -> NetworkKey:
    """The network of a run after ``epoch``; 0 is before training."""
    return dataclasses.replace(network, epoch=epoch)


@st.cache_data(max_entries=256, show_spinner=False)
def weights_moved(network: NetworkKey) -> tuple[StageChange, ...]:
    """How far the weights of every stage have moved since before training: quick, without any picture."""
    from core.interpretation import change

    return change.stage_changes(specimens.load(at_epoch(network, 0)), specimens.load(network))


@st.cache_data(max_entries=8, show_spinner=False)
def _test_pictures(network: NetworkKey) -> NDArray[np.uint8]:
    """The test pictures that CKA is measured on, (N, S, S, 3), as large as the network sees them."""
    from core.images.decoding import square_from_array

    assert network.run is not None
    test = results.test_images(network.run)
    if test.pictures_deleted:
        raise RunError("The pictures of this run were deleted, so what it sees in them cannot be measured.")
    side = int(results.result(network.run).config["image_size"])
    places = np.linspace(0, len(test.images) - 1, min(TEST_PICTURES, len(test.images))).round().astype(int)
    return np.stack([square_from_array(test.images[place], side) for place in places])


@st.cache_data(max_entries=8, show_spinner=False)
def _features_before(network: NetworkKey) -> dict[str, NDArray[np.float32]]:
    from core.interpretation import change

    with short_turn():
        return dict(change.features(specimens.load(at_epoch(network, 0)), _test_pictures(network)))


@st.cache_data(max_entries=256, show_spinner=False)
def epoch_change(network: NetworkKey, epoch: int) -> EpochChange:
    """How far every stage has moved by ``epoch``, in its weights and in what it answers to the test pictures."""
    from core.interpretation import change

    before, features = specimens.load(at_epoch(network, 0)), _features_before(network)
    if epoch == 0:
        return EpochChange(epoch=0, stages=change.stage_changes(before, before, (features, features)))
    pictures = _test_pictures(network)
    with short_turn():
        now = specimens.load_unkept(at_epoch(network, epoch))
        features_now = change.features(now, pictures)
        return EpochChange(epoch=epoch, stages=change.stage_changes(before, now, (features, features_now)))
