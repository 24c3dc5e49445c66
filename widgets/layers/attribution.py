"""Where does it look: maps of what speaks for a class, and how far they can be trusted."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.interpretation import attribution, rendering
from core.interpretation.attribution import METHODS
from core.interpretation.explainable import explainable_stages
from core.words import percent, unbroken
from widgets import address, frame
from widgets.layers import answers, trust
from widgets.layers.answers import Question
from widgets.layers.selection import Selection

SAME, TOP = "same", 5
CHECKS = {"look": "Just look", "faithful": "Is it faithful?", "sanity": "Does it notice learning?"}


def draw(selection: Selection) -> None:
    """Draw one or two maps with their figures, then the check that was asked for."""
    scores = answers.probabilities(selection)
    order = np.argsort(-scores, kind="stable")
    stage = _stage(selection)
    left, right = st.columns(2, gap="medium")
    with left:
        method, target = _first_pickers(selection, scores, order)
    with right:
        second, second_target = _second_pickers(selection, scores, order)
    shown = [(left, method, target)]
    if (second, second_target) != (SAME, SAME):
        other = method if second == SAME else second
        shown.append((right, other, target if second_target == SAME else int(second_target)))
    else:
        with right:
            st.image(
                rendering.encode(_framed(selection, selection.large), quality=90),
                width="stretch",
                alt=selection.picture.title,
            )
            st.caption(
                f"The picture; the network sees {selection.side} × {selection.side} pixels of it."
                + (" The frame was drawn by hand around the subject." if selection.box else "")
            )
    questions = [
        Question(method=name, target=number, stage=stage if METHODS[name].staged else None)
        for _, name, number in shown
    ]
    for (place, *_), question in zip(shown, questions, strict=True):
        with place:
            _map(selection, question, scores)
    check = address.choose(
        st.segmented_control,
        "Can the map be trusted?",
        list(CHECKS),
        name="check",
        default="look",
        format_func=CHECKS.__getitem__,
        required=True,
    )
    if check == "faithful":
        trust.draw_faithfulness(selection, questions)
    elif check == "sanity":
        trust.draw_sanity(selection, questions)


# --- what is asked --------------------------------------------------------------------------------------


def _stage(selection: Selection) -> str:
    stages = explainable_stages(selection.specimen)
    return address.choose(
        st.segmented_control,
        "Stage, for the methods that look at one",
        stages,
        name="stage",
        default=stages[-1],
        forget=("channel",),
        required=True,
    )


def _first_pickers(
    selection: Selection, scores: NDArray[np.float32], order: NDArray[np.int64]
) -> tuple[str, int]:
    method = address.choose(
        st.selectbox,
        "Method",
        list(METHODS),
        name="method",
        default="grad_cam",
        format_func=lambda name: METHODS[name].title,
    )
    options = _classes(order, selection.specimen.class_names)
    target = address.choose(
        st.selectbox,
        "What speaks for the class",
        options,
        name="target",
        default=options[0],
        what="class",
        format_func=lambda number: _class(selection, scores, order, number),
    )
    return method, int(target)


def _second_pickers(
    selection: Selection, scores: NDArray[np.float32], order: NDArray[np.int64]
) -> tuple[str, str]:
    second = address.choose(
        st.selectbox,
        "Compare with the method",
        [SAME, *METHODS],
        name="second",
        default=SAME,
        what="second method",
        format_func=lambda name: "the same method" if name == SAME else METHODS[name].title,
    )
    target = address.choose(
        st.selectbox,
        "and with the class",
        [SAME, *_classes(order, selection.specimen.class_names)],
        name="second_target",
        default=SAME,
        what="second class",
        format_func=lambda number: (
            "the same class" if number == SAME else _class(selection, scores, order, number)
        ),
    )
    return second, target


def _classes(order: NDArray[np.int64], names: tuple[str, ...]) -> list[str]:
    """The most probable first, then all others by name; in the address a class is its number."""
    top = [int(number) for number in order[:TOP]]
    others = sorted(set(range(len(names))) - set(top), key=lambda number: names[number].lower())
    return [str(number) for number in (*top, *others)]


def _class(selection: Selection, scores: NDArray[np.float32], order: NDArray[np.int64], number: str) -> str:
    name = selection.specimen.class_names[int(number)]
    return f"{name} · {_percent(scores[int(number)])}" if int(number) in order[:TOP] else name


# --- the maps -------------------------------------------------------------------------------------------


def _map(selection: Selection, question: Question, scores: NDArray[np.float32]) -> None:
    entry, target = METHODS[question.method], question.target
    with st.spinner(f"{entry.title} …"):
        answer = answers.attribution(selection, question)
    name = frame.plain(selection.specimen.class_names[target])
    st.image(
        rendering.encode(_framed(selection, rendering.overlay(selection.large, answer.values)), quality=88),
        width="stretch",
        alt=f"{entry.title} for {selection.specimen.class_names[target]}",
    )
    st.markdown(f"**{name}**: the network says **{_percent(scores[target])}**.")
    if answer.silent:
        st.markdown("This map is empty: there is nothing to show.")
    elif selection.box:
        share = attribution.share_inside(answer.values, selection.box)
        covers = _percent(attribution.area(selection.box))
        if share is None:
            st.markdown("Nothing in the picture speaks for this class.")
        else:
            st.markdown(
                f"**{_percent(share)}** of the gold lies in the frame, which covers {covers} of the picture."
            )
    where = f" Stage {frame.plain(answer.stage)}." if answer.stage else ""
    sign = (
        "Gold is strong."
        if question.method == "saliency"
        else "Gold speaks for the class, violet against it."
    )
    st.caption(f"{entry.about} {sign}{where} ({entry.citation})")
    if answer.completeness:
        st.caption(answer.completeness.sentence())
    caveat = attribution.caveat(selection.specimen, question.method)
    if caveat:
        st.caption(caveat)


def _framed(selection: Selection, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return rendering.frame(picture, selection.box, width=2) if selection.box else picture


def _percent(share: float) -> str:
    return unbroken(percent(float(share), 0 if share >= 0.1 else 1))
