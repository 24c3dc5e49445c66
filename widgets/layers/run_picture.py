"""A picture that a finished run was tested on, named by a link: ``?picture=run:ADDRESS:NUMBER``."""

import re

import streamlit as st

from core import errors
from core.images import picture
from core.images.picture import Picture
from widgets import frame, previews
from widgets.run_results import result_of, test_images_of, written
from widgets.runs.visible import visible_run
from widgets.specimens import RUN

_LINK = re.compile(rf"{RUN}([\w-]+):(\d{{1,7}})")


def named(sides: frozenset[int]) -> Picture | None:
    """Read the test picture that the address names, at ``sides`` pixels; None where it names none.

    What a link names and is not here (any more) is one sentence on the page, and the parameter goes.
    """
    link = st.query_params.get("picture", "")
    found = _LINK.fullmatch(link)
    if found is None:
        return None
    try:
        seen = visible_run(found[1])
        return _read(seen.id, written(seen.id), int(found[2]), link, sides)
    except errors.LabError as error:
        st.warning(frame.plain(str(error)), icon=":material/link_off:")
        del st.query_params["picture"]
        return None


@st.cache_resource(max_entries=64, show_spinner=False)
def _read(run_id: str, version: float, number: int, link: str, sides: frozenset[int]) -> Picture:
    """Read a run's test picture as it was kept: a square of at most 128 pixels."""
    images, result = test_images_of(run_id, version), result_of(run_id, version)
    if images.pictures_deleted:
        raise errors.DataError("The pictures of this run were deleted, or their time was over.")
    if number >= len(images.labels):
        raise errors.DataError(f"This run has no test picture {number:,}; it has {len(images.labels):,}.")
    square = images.images[number]
    true = result.class_names[int(images.labels[number])]
    title = f"Test picture {number + 1}, which is {true}"
    seen_at = int(result.config["image_size"])
    if square.shape[0] < seen_at:
        title += f" (kept at {square.shape[0]} of {seen_at} pixels, so scores may differ a little)"
    return picture.read(previews.png(square), sides, name=link, title=title)
