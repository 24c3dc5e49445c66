"""What a finished run gets wrong: the confusion matrix, and its pictures, each a way into the network."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.arrays import Numbers
from core.figures.confusion import confusion_matrix
from core.runs.kinds.finetuning_result import RunResult, TestImages
from core.words import percent, unbroken
from widgets import frame, previews
from widgets.chart import chart
from widgets.run_results import test_images_of, written
from widgets.runs.visible import VisibleRun
from widgets.specimens import RUN

MOST_PICTURES = 16

ConfusionCell = tuple[int, int]  # a true class, and what it was recognised as
SUREST: ConfusionCell = (-1, -1)  # no cell: the most confident mistakes


def draw(seen: VisibleRun, result: RunResult) -> None:
    """Draw the matrix, and the pictures of one of its cells or the most confident mistakes beside it."""
    images = test_images_of(seen.id, written(seen.id))
    predicted = images.scores.argmax(axis=1)
    key = f"confusion_cell_{seen.id}"  # another run has other classes
    left, right = st.columns([3, 2])
    with left:
        chart(
            confusion_matrix(result.test.confusion, result.class_names, theme=frame.theme()),
            key="confusion",
            on_click=lambda point: _click(key, point, len(result.class_names)),
        )
    with right:
        cell = _choose_cell(key, result)
        if cell is not None:
            true, guess = cell
            numbers = np.flatnonzero((images.labels == true) & (predicted == guess))
            st.markdown(
                f"{_named(cell, [frame.plain(name) for name in result.class_names], '**')}: {len(numbers)}"
            )
            shown = _surest(numbers, images)
        else:
            shown = surest_mistakes(images)
            if not len(shown):
                st.markdown("No mistake on the test pictures.")
        _gallery(seen, shown, images, result, all_same=cell is not None)


def surest_mistakes(images: TestImages) -> Numbers:
    """Number the test pictures that were named wrong, the most confident mistake first: (M,)."""
    return _surest(np.flatnonzero(images.labels != images.scores.argmax(axis=1)), images)


def through_the_network(seen: VisibleRun, images: TestImages, number: int) -> dict[str, str]:
    """Write what the address of *Layers* says to show a test picture through this run's network.

    What speaks for the class that it was called stands beside what speaks for the class that it is.
    """
    true, guess = int(images.labels[number]), int(images.scores[number].argmax())
    network = f"{RUN}{seen.address}"
    query = {
        "view": "attribution",
        "network": network,
        "picture": f"{network}:{number}",
        "target": str(guess),
    }
    return query if true == guess else query | {"second_target": str(true)}


def _surest(numbers: Numbers, images: TestImages) -> Numbers:
    return numbers[np.argsort(-images.scores[numbers].max(axis=1), kind="stable")]


def _click(key: str, point: object, classes: int) -> None:
    """Choose the cell that was clicked."""
    match point:
        case [int(true), int(guess), *_] if 0 <= true < classes and 0 <= guess < classes:
            st.session_state[key] = (true, guess)


def _choose_cell(key: str, result: RunResult) -> ConfusionCell | None:
    """Let a cell be chosen in words, as by a click: mistakes first, the most frequent before all."""
    counts = np.asarray(result.test.confusion)
    totals = counts.sum(axis=1)
    cells = [(int(true), int(guess)) for true, guess in zip(*counts.nonzero(), strict=True)]
    cells.sort(key=lambda cell: (cell[0] == cell[1], -counts[cell]))
    clicked = st.session_state.get(key, SUREST)
    if clicked not in (SUREST, *cells):
        cells.append(clicked)  # an empty one
    chosen = st.selectbox(
        "Pictures, here or by a click on a cell",
        [SUREST, *cells],
        format_func=lambda cell: (
            "Most confident mistakes"
            if cell == SUREST
            else f"{_named(cell, result.class_names)}: {counts[cell]} of {totals[cell[0]]}"
        ),
        key=key,
    )
    return None if chosen == SUREST else chosen


def _named(cell: ConfusionCell, names: Sequence[str], mark: str = "") -> str:
    true, guess = (f"{mark}{names[place]}{mark}" for place in cell)
    return f"{true}, recognised" if cell[0] == cell[1] else f"{true}, taken for {guess}"


def _gallery(
    seen: VisibleRun, numbers: Numbers, images: TestImages, result: RunResult, *, all_same: bool
) -> None:
    if not len(numbers):
        return
    if images.pictures_deleted:
        st.caption("The pictures were deleted, or their time was over; labels and scores stay.")
        return
    st.caption("Click a picture to look at it through this network.")
    with st.grid(4, min_column_width=84, gap="xsmall", key="gallery"):
        for number in numbers[:MOST_PICTURES]:
            true, called = called_and_true(images, int(number), result.class_names)
            sure = unbroken(percent(float(images.scores[number].max()), 0))
            # The link's hit area is stretched over the picture (frame.css).
            with st.container(gap="xxsmall", key=f"mistake_{number}"):
                st.image(
                    previews.png(images.images[number]), width="stretch", alt=f"{true}, taken for {called}"
                )
                st.page_link(
                    frame.page("layers"),
                    label=sure
                    if all_same
                    else f"called **{frame.plain(called)}** ({sure}), is **{frame.plain(true)}**",
                    query_params=through_the_network(seen, images, int(number)),
                )
                if seen.mine and images.files:  # what the owner has called a file is nobody else's business
                    st.caption(frame.plain(images.files[number]))


def called_and_true(images: TestImages, number: int, class_names: Sequence[str]) -> tuple[str, str]:
    """Name the class that a test picture shows, and the one that it was called."""
    return class_names[images.labels[number]], class_names[int(images.scores[number].argmax())]
