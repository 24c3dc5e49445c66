"""Early and late, side by side: the same picture through the first stage and a late one."""

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.filters import stage_by_stage
from core.interpretation import rendering
from widgets import address, encoded_picture, frame
from widgets.chart import chart
from widgets.layers import photographs
from widgets.layers.look import Look
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.early_and_late import StageExperiments

CHANNELS = 3  # that are shown a side
NAMED = 2  # classes that a channel of the last stage speaks for

# What a stage is called, by what was measured: the answer to stripes and plain colours (a share of that to the best
# photograph), and how far shuffled pieces get the same answer (correlation). The limits are ours.
PATTERNS_DO = 0.8
PATTERNS_FAIL, ARRANGEMENT_COUNTS, LITTLE = 0.5, 0.65, 0.9


def draw(look: Look) -> None:
    """Draw the two sides, then the experiments along all stages."""
    stages = [name for name in look.stages if look.specimen.has_positions(name)]
    late = address.choose(
        st.segmented_control,
        "Compare the first stage with",
        stages[1:],
        name="late",
        default=stages[-1],
        required=True,
        what="stage",
    )
    sides = st.columns(2, gap="large")
    heads = [side.container() for side in sides]
    exemplars = photographs.exemplars_of(look)
    windows = []
    for side, stage in zip(sides, (stages[0], late), strict=True):
        with side:
            windows.append(_cards(look, stage))
    found = {one.stage: one for one in _experiments(look.specimen.key, look)}
    for head, stage, window in zip(heads, (stages[0], late), windows, strict=True):
        with head:
            _headline(stage, found.get(stage), window, exemplars[stage].field.share)
    st.caption(
        "Each row is the channel whose answer to this picture is most unusual for it. Left: gold where it answers more "
        "than on half of the picture; the frame holds 90 % of what moves its strongest answer (squared gradient: the "
        "effective receptive field, arXiv 1701.04128). Right: what excites it most among scikit-image's photographs, "
        "as much as it can see of them."
    )
    _walk(look, found)


# --- a side ---------------------------------------------------------------------------------------------


def name_of(one: "StageExperiments | None") -> str:
    """What to call a stage, by what was measured."""
    if one is None:
        return "Silent"
    if one.patterns.median >= PATTERNS_DO:
        return "Edges and colours"
    if one.patterns.median < PATTERNS_FAIL and one.shuffled.median < ARRANGEMENT_COUNTS:
        return "Parts and objects"
    return "Textures and parts"


def _headline(stage: str, one: "StageExperiments | None", window: float, field: float) -> None:
    st.markdown(f"## {name_of(one)} :gray[· {frame.plain(stage)}]")
    if one is None:
        st.caption("No channel of this stage answers to anything here.")
        return
    stripes = "are enough" if one.patterns.median >= PATTERNS_DO else "are not enough"
    r = one.shuffled.median
    mixed = "hardly" if r >= LITTLE else "somewhat" if r >= ARRANGEMENT_COUNTS else "greatly"
    st.markdown(
        f"Looks at **{100 * window:.0f}\u00a0%** of the picture's side. Stripes or plain colours alone {stripes}; "
        f"shuffling the pieces {mixed} changes its answers."
    )
    with st.grid(3, min_column_width=96, gap="small"):
        st.metric(
            "Looks at",
            f"{100 * window:.0f}\u00a0%",
            help=f"Median side of the gold frames below, as a share of the picture's side. At most it could see "
            f"{100 * field:.0f} %.",
        )
        st.metric(
            "Stripes alone",
            f"{100 * one.patterns.median:.0f}\u00a0%",
            help="Answer to the best stripes or plain colour, as a share of that to the best photograph: "
            f"median over {one.channels} channels. Stripes have stronger edges than photographs: it may exceed 100 %.",
        )
        st.metric(
            "Shuffled",
            f"r {one.shuffled.median:.2f}",
            help="Photographs cut into 64 pieces and mixed up: correlation of each channel's answers with those to "
            f"the whole, median. Only mirrored, it is {one.mirrored.median:.2f}.",
        )


def _cards(look: Look, stage: str) -> float:
    """Draw the channels that stand out; how wide their windows are (median share of the side) comes back."""
    cards, window = _drawn(look.specimen.key, look.picture_key, stage, look)
    for image, note in cards:
        encoded_picture.draw(
            image,
            width="stretch",
            alt=f"Where a channel of {stage} answers on {look.picture_title}, and the patches that excite it most",
        )
        st.caption(note)
    return window


@st.cache_data(max_entries=128, show_spinner=False)
def _drawn(
    specimen_key: str, picture_key: str, stage: str, _look: Look
) -> tuple[list[tuple[bytes, str]], float]:
    """The side's pictures with their captions, and the median window."""
    from core.interpretation import exemplars, standouts

    found, bank = photographs.exemplars_of(_look)[stage], exemplars.bank_for(_look.specimen)
    shown = standouts.standouts(_look.specimen, _look.pixels, stage, found, CHANNELS)
    cards = [
        (
            rendering.encode(standouts.card(_look.large, one, bank, found), quality=88),
            _note(_look, stage, one.channel, one.unusual),
        )
        for one in shown
    ]
    return cards, standouts.window(shown)


def _note(look: Look, stage: str, channel: int, unusual: float) -> str:
    """What to say under a channel: its number, how unusual its answer is, and what it speaks for."""
    from core.interpretation.channel import head_weights

    side = "above" if unusual >= 0 else "below"
    text = f"Channel {channel}: {abs(unusual):.1f} standard deviations {side} its usual peak"
    weights = head_weights(look.specimen) if stage == look.stages[-1] else None
    if weights is None:
        return f"{text}."
    best = weights[:, channel].argsort()[::-1][:NAMED]
    names = ", ".join(frame.plain(look.specimen.class_names[number]) for number in best)
    return f"{text}. Its largest weights: {names}."


# --- all stages -----------------------------------------------------------------------------------------


@st.cache_resource(max_entries=16, show_spinner="Stripes, shuffled pieces, mirror …")
def _experiments(specimen_key: str, _look: Look) -> "tuple[StageExperiments, ...]":
    from core.interpretation import early_and_late, exemplars

    with short_turn():
        return early_and_late.experiments(_look.specimen, exemplars.bank_for(_look.specimen))


@st.cache_resource(max_entries=16, show_spinner="The same with random weights, as a control …")
def _control(name: str, image_size: int, _look: Look) -> "tuple[StageExperiments, ...]":
    from core.interpretation import early_and_late, exemplars

    with short_turn():
        one = _look.random()
        return early_and_late.experiments(one, exemplars.bank_for(one))


def _walk(look: Look, found: "dict[str, StageExperiments]") -> None:
    """Draw the experiments over all stages, with random weights as the control."""
    st.markdown("## On the way from early to late")
    control = None
    if not look.is_random:
        control = {
            one.stage: one for one in _control(look.specimen.entry.name, look.specimen.image_size, look)
        }
    stages = [name for name in found if control is None or name in control]
    left, right = st.columns(2, gap="large")
    for side, what, title, text in (
        (
            left,
            "patterns",
            "Share of the best photograph",
            "How far **stripes and plain colours** alone drive the channels.",
        ),
        (
            right,
            "shuffled",
            "Correlation with the whole",
            "How alike a photograph and its **shuffled pieces** are to them.",
        ),
    ):
        with side:
            st.markdown(text)
            drawn = stage_by_stage(
                stages,
                [_spread(found[name], what) for name in stages],
                None if control is None else [_spread(control[name], what) for name in stages],
                title=title,
                random_shown=look.is_random,
                theme=frame.theme(),
            )
            chart(drawn, key=f"contrast_{what}")
    st.caption(
        "Median over a stage's channels, with the middle half of them as a band. Depth alone does not make objects: "
        "look at the random weights. “Parts and objects” means no more than this: stripes do not suffice, the "
        "arrangement of pieces counts, and a mirror image does not."
    )


def _spread(one: "StageExperiments", what: str) -> tuple[float, float, float]:
    spread = getattr(one, what)
    return spread.low, spread.median, spread.high
