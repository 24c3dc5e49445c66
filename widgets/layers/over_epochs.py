"""A run's networks over its epochs, and what they answer: computed once, shared by all visitors.

Every function's key is the run, when its result was written (an extended run has a new one) and the epoch; a
picture goes by its own key.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import RunError
from core.interpretation.change_report import EpochChange, StageChange
from core.runs import service
from widgets.layers import look
from widgets.network_picker import PRETRAINED
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.specimen import Specimen

TEST_PICTURES = 64  # that CKA is measured on: evenly spread over the run's test pictures
NETWORKS_KEPT = 4


def _build(run_id: str, version: float, epoch: int) -> "Specimen":
    from core.interpretation import specimen

    result = service.result(run_id)
    return specimen.specimen(
        f"{look.RUN}{run_id}@{version}/{epoch}",
        service.network_at(run_id, epoch),
        result.class_names,
        int(result.config["image_size"]),
    )


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner="Loading the network …")
def network(run_id: str, version: float, epoch: int) -> "Specimen":
    """The run's network after ``epoch``; 0 is before training."""
    if epoch == service.result(run_id).best_epoch:
        return look.specimen_of(look.RUN + run_id, version, PRETRAINED)
    return _build(run_id, version, epoch)


@st.cache_data(max_entries=256, show_spinner=False)
def weights_moved(run_id: str, version: float, epoch: int) -> tuple[StageChange, ...]:
    """How far the weights of every stage have moved by ``epoch``: quick, without any picture."""
    from core.interpretation import change

    return change.stage_changes(network(run_id, version, 0), network(run_id, version, epoch))


@st.cache_data(max_entries=64, show_spinner=False)
def maps(
    run_id: str, version: float, epoch: int, stage: str, picture_key: str, _picture: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Maps (C, h, w) of the picture."""
    from core.interpretation import specimen

    one = network(run_id, version, epoch)
    found: NDArray[np.float32] = specimen.activations(one, _picture[None], stage)[0]
    return found


@st.cache_data(max_entries=256, show_spinner=False)
def probabilities(
    run_id: str, version: float, epoch: int, picture_key: str, _picture: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Class probabilities (classes,) of the picture."""
    from core.interpretation import specimen

    found: NDArray[np.float32] = specimen.scores(network(run_id, version, epoch), _picture[None])[0]
    return found


@st.cache_data(max_entries=256, show_spinner=False)
def grad_cam(
    run_id: str, version: float, epoch: int, target: int, picture_key: str, _picture: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Grad-CAM (h, w) of the class for the picture."""
    from core.interpretation.attribution import attribute

    one = network(run_id, version, epoch)
    with short_turn():
        return attribute(one, _picture, method="grad_cam", target=target).values


@st.cache_data(max_entries=8, show_spinner=False)
def _test_pictures(run_id: str, version: float) -> NDArray[np.uint8]:
    """The test pictures that CKA is measured on, (N, S, S, 3), as large as the network sees them."""
    from core.images.decoding import square_from_array

    test = service.test_images(run_id)
    if test.pictures_deleted:
        raise RunError("The pictures of this run were deleted, so what it sees in them cannot be measured.")
    kept = test.images
    side = int(service.result(run_id).config["image_size"])
    places = np.linspace(0, len(kept) - 1, min(TEST_PICTURES, len(kept))).round().astype(int)
    return np.stack([square_from_array(kept[place], side) for place in places])


@st.cache_data(max_entries=8, show_spinner=False)
def _features_before(run_id: str, version: float) -> dict[str, NDArray[np.float32]]:
    from core.interpretation import change

    with short_turn():
        return dict(change.features(network(run_id, version, 0), _test_pictures(run_id, version)))


@st.cache_data(max_entries=256, show_spinner=False)
def epoch_change(run_id: str, version: float, epoch: int) -> EpochChange:
    """How far every stage has moved by ``epoch``, in its weights and in what it answers to the test pictures."""
    from core.interpretation import change

    before, features = network(run_id, version, 0), _features_before(run_id, version)
    if epoch == 0:
        return EpochChange(epoch=0, stages=change.stage_changes(before, before, (features, features)))
    pictures = _test_pictures(run_id, version)
    with short_turn():
        now = _build(run_id, version, epoch)  # not kept: a run's networks together may be large
        found = change.features(now, pictures)
        return EpochChange(epoch=epoch, stages=change.stage_changes(before, now, (features, found)))
