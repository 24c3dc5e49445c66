"""The advice: one sentence, the strip, what to expect, why, what would change it, and the way on."""

from urllib.parse import urlencode

import streamlit as st

from core.advice import evidence, sentences
from core.advice.report import Advice
from core.advice.tasks import TASKS
from core.backbones import catalogue
from core.runs.spec import UPLOAD
from core.words import about, number, percent
from widgets import address, frame, freeze_picker, network, network_picker, settings
from widgets.advise import quadrants
from widgets.advise.advice_request import AdviceRequest
from widgets.chart import chart
from widgets.stage_strip.strip import StageState, stage_strip

ACCURACY, BEHIND = "accuracy", "behind"
_RANGES = {
    ACCURACY: "They are wide because tasks differ; depths on the *same* task differ less, as “What each depth gives "
    "away” shows.",
    BEHIND: "How far each depth falls behind the best one of the same task.",
}
_NEAR = {
    True: "Near in number of pictures, number of classes and your answers.",
    False: "Near for the network, not for the eye: behind every stage, neighbours vote about as rightly as on yours, "
    "with about as many pictures and classes.",
}
_SHOWN = {ACCURACY: "What to expect", BEHIND: "What each depth gives away"}


def draw(request: AdviceRequest) -> None:
    """Draw the advice, or say what is missing."""
    advice = request.advice
    if advice is None:
        st.info(_missing(), icon=":material/arrow_upward:")
        return
    with st.container(key="advise_headline"):
        st.subheader(sentences.headline(advice), anchor=False)
    if advice.warning:
        st.warning(advice.warning, icon=":material/explore:")
    if request.known_as is not None:
        st.caption(
            f"These are the pictures of “{TASKS[request.known_as].title}”, from which the advice has learned, so here "
            "it is no test of the advice."
        )
    if network_picker.kept_weights(request.entry.name) != network_picker.PRETRAINED:
        st.caption(
            "You gave weights of your own. What the advice has learned from was measured with the published weights."
        )
    _strip(request, advice)
    _figures(advice)
    _onward(request, advice)
    _outlook(request, advice)
    _reasons(request, advice)


def _missing() -> str:
    way = st.query_params.get("way")
    wanted = "Choose pictures" if way == "pictures" else "Answer the questions"
    return f"{wanted} above, and the advice stands here."


def _strip(request: AdviceRequest, advice: Advice) -> None:
    classes = 2
    if request.measures is not None:
        classes = request.measures.classes
    elif request.description is not None:
        classes = request.description.classes
    stages, head = network.blocks(request.entry, classes=classes)
    states: tuple[StageState, ...] = tuple(
        "ice" if place < advice.freeze_depth else "fire" for place in range(len(stages))
    )
    stage_strip(key="advise_strip", stages=stages, head=head, depth=advice.freeze_depth, states=states)


def _figures(advice: Advice) -> None:
    accuracy, seconds, beside = st.columns([3, 2, 4], gap="medium")
    expected = advice.outlook
    accuracy.metric(
        "Test accuracy to expect",
        f"{number(100 * expected.accuracy.low, 0)} – {percent(expected.accuracy.high, 0)}",
        help="An 80 % range: of data sets that the advice had not seen, about four in five fell inside.",
    )
    seconds.metric(
        "Training, on this machine",
        "not measured" if expected.seconds is None else about(expected.seconds),
        help="Bring pictures, and the pace of this machine with this network is measured on them."
        if expected.seconds is None
        else "From the time that one picture took to pass through the network here.",
    )
    with beside:
        title, near = sentences.nearest(advice)
        st.markdown(f":small[{title}]  \n{near}", help=_NEAR[advice.basis == "described"])


def _onward(request: AdviceRequest, advice: Advice) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="advise_onward"):
        go = st.button(
            "Fine-tune with this",
            type="primary",
            icon=":material/local_fire_department:",
            key="advise_finetune",
        )
        with st.popover("Link to this advice", icon=":material/link:", type="tertiary"):
            st.code(
                f"{st.context.url or ''}?{urlencode(dict(st.query_params))}", language=None, wrap_lines=True
            )
            if request.choice is not None and request.choice.reference.startswith(UPLOAD):
                st.caption("Your own pictures stay yours: in another browser the link asks for them again.")
    if go:
        carry(advice)
        st.switch_page(frame.page("finetune"))


def carry(advice: Advice) -> None:
    """Set the fine-tune page to what is advised.

    Pictures that were brought need nothing: both pages draw the same picker, which keeps its choice.
    """
    network_picker.choose(advice.backbone)
    freeze_picker.choose(catalogue.entry(advice.backbone), advice.strategy, advice.freeze_depth)
    solved = advice.strategy == "linear_probe"  # it has neither epochs nor a rate
    settings.choose(**({} if solved else {"epochs": advice.epochs, "learning_rate": advice.learning_rate}))


def _outlook(request: AdviceRequest, advice: Advice) -> None:
    from core.figures.advice_outlook import outlooks

    shown = address.choose(
        st.segmented_control,
        "What the chart shows",
        list(_SHOWN),
        name="chart",
        default=ACCURACY,
        format_func=_SHOWN.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    count = len(advice.stages)
    chart(
        outlooks(
            advice.outlooks,
            stages=count,
            advised=advice.arm,
            equal=advice.indistinguishable,
            quantity="behind" if shown == BEHIND else "accuracy",
            chance=request.measures.chance if request.measures is not None else None,
            theme=frame.theme(),
        ),
        key="advise_outlook",
    )
    st.caption(
        f"Dots: expected; bars: 80 % ranges. {_RANGES[shown]} Faint: clearly behind. The stack under each depth is "
        "the network from its first stage, at the bottom, to its last: :blue[ice is frozen], :orange[fire is trained]."
    )


def _reasons(request: AdviceRequest, advice: Advice) -> None:
    st.markdown(sentences.chosen_by(advice))
    measured = evidence.speaks_for(advice.backbone)
    sides = "" if measured is None else sentences.sides(measured, request.entry)
    if sides:
        st.caption(sides)
    rule, change, other = st.columns(3, gap="medium")
    with rule:
        st.markdown("**The textbook says**")
        for one in advice.rules:
            st.markdown(sentences.rule_of(one, only=len(advice.rules) == 1))
        if advice.kind is None:
            st.caption(
                "Nobody said what the pictures show, and no measure tells surely enough: the chart leaves it open, and "
                "these are the rules for either."
            )
        quadrants.dispute(request)
    with change:
        st.markdown("**What would change the advice**")
        st.markdown(
            "\n".join(f"- {one}" for one in advice.changes)
            or "Nothing that was tried: neither four times as many pictures nor a quarter of them"
            + (", nor another kind." if request.measures is None else ".")
        )
        st.markdown(f"**How to train**\n- Augmentation: {advice.augmentation}\n- {advice.regularisation}")
    with other:
        st.markdown("**Other ways, and what they risk**")
        st.markdown("\n".join(f"- {one.when} {one.risk}" for one in advice.alternatives))
