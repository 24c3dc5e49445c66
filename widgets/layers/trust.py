"""Can a map be trusted: is it faithful to the network, and does it notice what the network has learned?"""

from functools import partial

import streamlit as st

from core.figures.faithfulness import faithfulness as faithfulness_figure
from core.figures.faithfulness import sanity as sanity_figure
from core.interpretation import attribution, faithfulness, rendering, sanity
from core.interpretation.attribution import METHODS
from core.interpretation.trust import FaithfulnessCurves, SanityStep, Stability
from widgets import address, frame, specimens
from widgets.chart import chart
from widgets.computed_once import ComputedOnce, WorkBar
from widgets.layers import answers
from widgets.layers.answers import Question
from widgets.layers.selection import BY_KEY, Selection
from widgets.turns import long_turn


def _name(selection: Selection, question: Question) -> str:
    return f"{METHODS[question.method].title}, {frame.plain(selection.specimen.class_names[question.target])}"


# --- is it faithful? ------------------------------------------------------------------------------------


def draw_faithfulness(selection: Selection, questions: list[Question]) -> None:
    """Draw what the network says when pixels go and come in the order of each map."""
    st.markdown(
        "Remove what the map calls important: the class should **fall fast**. Bring it into a blurred picture: the "
        "class should **rise fast**. Grey is the same map with its values in random places."
    )
    for number, (place, question) in enumerate(zip(st.columns(2, gap="medium"), questions, strict=False)):
        with place:
            st.markdown(f"**{_name(selection, question)}**")
            if answers.attribution(selection, question).silent:
                st.markdown("Nothing to measure: the map is empty.")
                continue
            with st.spinner("Removing and bringing in …"):
                curves = _curves(selection, question)
            chart(
                faithfulness_figure(curves, theme=frame.theme()),
                key=f"faithful_{number}",
            )
            with st.spinner("Covering and shaking …"):
                stability = _stability(selection, question)
            st.markdown(_table(curves, stability))
    st.caption(
        f"Area under the curve, 0 to 1; of {faithfulness.CONTROLS} shuffles the mean (Petsiuk et al. 2018, "
        f"arXiv 1806.07421). Infidelity from {faithfulness.COVERS} random covers, as the share of the score's "
        "changes that the map does not predict; sensitivity from "
        f"{faithfulness.SHAKES} shakes of about one grey level, as the share of the map that moved "
        "(captum.metrics; Yeh et al. 2019, arXiv 1901.09392)."
    )


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=BY_KEY)
def _curves(selection: Selection, question: Question) -> FaithfulnessCurves:
    values = answers.attribution(selection, question)
    with long_turn():
        return faithfulness.curves(selection.specimen, selection.pixels, values)


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=BY_KEY)
def _stability(selection: Selection, question: Question) -> Stability:
    values = answers.attribution(selection, question)
    with long_turn():
        return faithfulness.stability(selection.specimen, selection.pixels, values)


def _table(curves: FaithfulnessCurves, stability: Stability) -> str:
    deletion, insertion = curves.deletion, curves.insertion
    unexplained = "–" if stability.unexplained is None else f"{stability.unexplained:.2f}"
    return "\n".join(
        [
            "| | This map | Shuffled |",
            "|---|---|---|",
            f"| Deletion area, low is good | **{deletion.area:.3f}** | {deletion.shuffled_areas.mean():.3f} |",
            f"| Insertion area, high is good | **{insertion.area:.3f}** | {insertion.shuffled_areas.mean():.3f} |",
            f"| Infidelity, 0 predicts all, 1 nothing | **{unexplained}** | |",
            f"| Sensitivity, 0 is steady | **{stability.sensitivity:.2f}** | |",
        ]
    )


# --- does it notice? ------------------------------------------------------------------------------------


def draw_sanity(selection: Selection, shown: list[Question]) -> None:
    """Draw the maps of a network that forgets, part after part."""
    if selection.network.is_random:
        st.markdown(
            "These weights are random already: there is nothing to forget. Choose trained ones above."
        )
        return
    st.markdown(
        "Now the network forgets, from the top down: its head gets random weights, then its last stage, and so on. A "
        "map that shows what was *learned* must change; one that stays the same only traces the picture."
    )
    everything = address.choose(
        st.segmented_control,
        "Methods",
        ["shown", "all"],
        name="sanity",
        default="shown",
        format_func={"shown": "The maps above", "all": "All seven, side by side"}.get,
        required=True,
    )
    rows = _every_method(selection, shown) if everything == "all" else shown
    steps_of = _randomised(selection, rows)
    for question in shown:
        steps = steps_of.get(question)
        if steps is None:  # all methods are compared for the first class only
            continue
        st.markdown(f"**{_name(selection, question)}**")
        with st.grid(len(steps), min_column_width=110, gap="xsmall"):
            for number, step in enumerate(steps):
                with st.container(gap="xxsmall"):
                    st.image(
                        rendering.encode(
                            rendering.overlay(selection.large[::2, ::2], step.values), quality=85
                        ),
                        width="stretch",
                        alt=f"{METHODS[question.method].title}, step {number + 1} of {len(steps)}",
                    )
                    st.caption(_step_words(step, number))
    compared = {_title(selection, question, rows): steps_of[question] for question in rows}
    chart(sanity_figure(compared, theme=frame.theme()), key="sanity_chart")
    st.caption(
        "1: the parts of the map are in the same order as with the trained network; 0: unrelated (Spearman's rank "
        "correlation of the magnitudes; SSIM, structural similarity, under each map). One draw of random weights: "
        "a map of few cells, such as Grad-CAM's at a late stage, can be like another by chance. "
        "Test of Adebayo et al. 2018, arXiv 1810.03292."
    )


def _every_method(selection: Selection, shown: list[Question]) -> list[Question]:
    """Ask every method about the first map's class, at the stage that is looked at."""
    default = st.query_params.get("stage", attribution.default_stage(selection.specimen))
    stage = next((question.stage for question in shown if question.stage), default)
    return [
        Question(method=name, target=shown[0].target, stage=stage if method.staged else None)
        for name, method in METHODS.items()
    ]


def _randomised(selection: Selection, rows: list[Question]) -> dict[Question, list[SanityStep]]:
    steps_of: dict[Question, list[SanityStep]] = {}
    for number, question in enumerate(rows):
        steps = _steps(selection, question)
        steps_of[question] = steps.answer or steps.compute(
            partial(_forget, selection, question, row=number, rows=len(rows)),
            waiting="Waiting for its turn …",
            begun=number / len(rows),
        )
    return steps_of


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_KEY)
def _steps(selection: Selection, question: Question) -> ComputedOnce[list[SanityStep]]:
    return ComputedOnce()


def _forget(
    selection: Selection, question: Question, bar: WorkBar, *, row: int, rows: int
) -> list[SanityStep]:
    """Give one part after the other random weights; the bar shows row ``row`` of ``rows``."""
    total = len(sanity.parts(selection.specimen)) + 1
    steps: list[SanityStep] = []
    for step in sanity.randomise(
        selection.specimen,
        specimens.load(selection.control),
        selection.pixels,
        method=question.method,
        target=question.target,
        stage=question.stage,
    ):
        steps.append(step)
        bar.progress(
            (row + len(steps) / total) / rows,
            text=f"{METHODS[question.method].title}: forgetting {step.part or 'nothing yet'}",
        )
    return steps


def _step_words(step: SanityStep, number: int) -> str:
    if step.part is None:
        return "as trained"
    ssim = "–" if step.ssim is None else f"{step.ssim:.2f}"
    too = "" if number == 1 else " too"
    return f"{frame.plain(step.part)} random{too}, SSIM {ssim}"


def _title(selection: Selection, question: Question, rows: list[Question]) -> str:
    """A row's name; the class only where the rows differ in it."""
    title = METHODS[question.method].title
    several = len({row.target for row in rows}) > 1
    return f"{title}, {selection.specimen.class_names[question.target]}" if several else title
