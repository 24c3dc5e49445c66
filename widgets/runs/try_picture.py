"""Ask the finished network about a picture that it has never seen."""

import streamlit as st

from core.figures.probabilities import probabilities
from core.runs import results
from core.runs.kinds.finetuning_result import RunResult
from widgets import frame
from widgets.chart import chart
from widgets.previews import PICTURES
from widgets.runs.visible import VisibleRun

UPLOAD, WEBCAM = "Upload", "Webcam"
SHOWN_SIDE = 448  # pixels


def draw(seen: VisibleRun, result: RunResult) -> None:
    """Draw the upload or the camera, and the answer beside the picture."""
    way = st.segmented_control(
        "Where the picture comes from",
        [UPLOAD, WEBCAM],
        default=UPLOAD,
        required=True,
        key="try_way",
        label_visibility="collapsed",
    )
    left, right = st.columns([2, 3])
    with left:
        if way == WEBCAM:
            picture = st.camera_input("Take a picture", key="try_camera", label_visibility="collapsed")
        else:
            picture = st.file_uploader(
                "A picture", type=PICTURES, key="try_file", label_visibility="collapsed", max_upload_size=50
            )
    if picture is None:
        return
    with st.spinner("Looking …", show_time=False):
        scores = results.predict(seen.id, picture.getvalue())
    if way != WEBCAM:
        from core.images.decoding import decode

        # As the run's network sees it: a browser shows no TIFF, and not what a crop cuts away.
        seen_of_it, _ = decode(picture.getvalue(), SHOWN_SIDE, reading=result.rule)
        left.image(seen_of_it, width="stretch", alt="Your picture, as the network sees it")
    with right:
        chart(
            probabilities(scores, result.class_names, theme=frame.theme()),
            key="try_answer",
        )
        st.caption("It can only name its own classes, even for a picture that shows none of them.")
