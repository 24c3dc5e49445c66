"""Early and late, side by side: the same picture through the first stage and a late one."""

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.filters import stage_by_stage
from core.interpretation import rendering
from core.words import percent, unbroken
from widgets import address, encoded_picture, frame, specimens
from widgets.chart import chart
from widgets.layers.exemplars import exemplars_of
from widgets.layers.selection import BY_KEY, Selection
from widgets.specimens import NetworkKey
from widgets.turns import short_turn

if TYPE_CHECKING:
    from core.interpretation.early_and_late import StageExperiments

CHANNELS = 3  # that are shown a side
NAMED = 2  # classes that a channel of the last stage speaks for

# What a stage is called, by what was measured: the answer to stripes and plain colours (a share of that to the best
# photograph), and how far shuffled pieces get the same answer (correlation). The limits are ours.
PATTERNS_DO = 0.8
PATTERNS_FAIL, ARRANGEMENT_COUNTS, LITTLE = 0.5, 0.65, 0.9


def draw(selection: Selection) -> None:
    """Draw the two sides, then the experiments along all stages."""
    stages = [name for name in selection.stages if selection.specimen.has_positions(name)]
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
    exemplars = exemplars_of(selection.network)
    windows = []
    for side, stage in zip(sides, (stages[0], late), strict=True):
        with side:
            windows.append(_cards(selection, stage))
    with st.spinner("Stripes, shuffled pieces, mirror …"):
        measured = _experiments(selection.network)
    for head, stage, window in zip(heads, (stages[0], late), windows, strict=True):
        with head:
            _headline(stage, measured.get(stage), window, exemplars[stage].field.share)
    st.caption(
        "Each row is the channel whose answer to this picture is most unusual for it. Left: gold where it answers more "
        "than on half of the picture; the frame holds 90 % of what moves its strongest answer (squared gradient: the "
        "effective receptive field, arXiv 1701.04128). Right: what excites it most among scikit-image's photographs, "
        "as much as it can see of them."
    )
    _all_stages(selection, measured)


# --- a side ---------------------------------------------------------------------------------------------


def name_of(measured: "StageExperiments | None") -> str:
    """What to call a stage, by what was measured."""
    if measured is None:
        return "Silent"
    if measured.patterns.median >= PATTERNS_DO:
        return "Edges and colours"
    if measured.patterns.median < PATTERNS_FAIL and measured.shuffled.median < ARRANGEMENT_COUNTS:
        return "Parts and objects"
    return "Textures and parts"


def _headline(stage: str, measured: "StageExperiments | None", window: float, field: float) -> None:
    st.markdown(f"## {name_of(measured)} :gray[· {frame.plain(stage)}]")
    if measured is None:
        st.caption("No channel of this stage answers to anything here.")
        return
    stripes = "are enough" if measured.patterns.median >= PATTERNS_DO else "are not enough"
    r = measured.shuffled.median
    mixed = "hardly" if r >= LITTLE else "somewhat" if r >= ARRANGEMENT_COUNTS else "greatly"
    st.markdown(
        f"Looks at **{unbroken(percent(window, 0))}** of the picture's side. Stripes or plain colours alone {stripes}; "
        f"shuffling the pieces {mixed} changes its answers."
    )
    with st.grid(3, min_column_width=96, gap="small"):
        st.metric(
            "Looks at",
            unbroken(percent(window, 0)),
            help=f"Median side of the gold frames below, as a share of the picture's side. At most it could see "
            f"{percent(field, 0)}.",
        )
        st.metric(
            "Stripes alone",
            unbroken(percent(measured.patterns.median, 0)),
            help="Answer to the best stripes or plain colour, as a share of that to the best photograph: "
            f"median over {measured.channels} channels. Stripes have stronger edges than photographs: it may exceed "
            "100 %.",
        )
        st.metric(
            "Shuffled",
            f"r {measured.shuffled.median:.2f}",
            help="Photographs cut into 64 pieces and mixed up: correlation of each channel's answers with those to "
            f"the whole, median. Only mirrored, it is {measured.mirrored.median:.2f}.",
        )


def _cards(selection: Selection, stage: str) -> float:
    """Draw the channels that stand out; how wide their windows are (median share of the side) comes back."""
    cards, window = _drawn(selection, stage)
    for image, note in cards:
        encoded_picture.draw(
            image,
            width="stretch",
            alt=f"Where a channel of {stage} answers on {selection.picture.title}, and the patches that excite it most",
        )
        st.caption(note)
    return window


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs=BY_KEY)
def _drawn(selection: Selection, stage: str) -> tuple[list[tuple[bytes, str]], float]:
    """The side's pictures with their captions, and the median window."""
    from core.interpretation import exemplars, standouts

    best, bank = exemplars_of(selection.network)[stage], exemplars.bank_for(selection.specimen)
    shown = standouts.standouts(selection.specimen, selection.pixels, stage, best, CHANNELS)
    cards = [
        (
            rendering.encode(standouts.card(selection.large, standout, bank, best), quality=88),
            _note(selection, stage, standout.channel, standout.unusual),
        )
        for standout in shown
    ]
    return cards, standouts.window(shown)


def _note(selection: Selection, stage: str, channel: int, unusual: float) -> str:
    """What to say under a channel: its number, how unusual its answer is, and what it speaks for."""
    from core.interpretation.channel import head_weights

    side = "above" if unusual >= 0 else "below"
    text = f"Channel {channel}: {abs(unusual):.1f} standard deviations {side} its usual peak"
    weights = head_weights(selection.specimen) if stage == selection.stages[-1] else None
    if weights is None:
        return f"{text}."
    best = weights[:, channel].argsort()[::-1][:NAMED]
    names = ", ".join(frame.plain(selection.specimen.class_names[number]) for number in best)
    return f"{text}. Its largest weights: {names}."


# --- all stages -----------------------------------------------------------------------------------------


@st.cache_resource(max_entries=32, show_spinner=False)
def _experiments(network: NetworkKey) -> "dict[str, StageExperiments]":
    """What the experiments found, by stage."""
    from core.interpretation import early_and_late, exemplars

    with short_turn(), specimens.quick():
        specimen = specimens.load(network)
        measured = early_and_late.experiments(specimen, exemplars.bank_for(specimen))
    return {experiments.stage: experiments for experiments in measured}


def _all_stages(selection: Selection, measured: "dict[str, StageExperiments]") -> None:
    """Draw the experiments over all stages, with random weights as the control."""
    st.markdown("## On the way from early to late")
    control = None
    if not selection.network.is_random:
        with st.spinner("The same with random weights, as a control …"):
            control = _experiments(selection.control)
    stages = [name for name in measured if control is None or name in control]
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
                [_spread(measured[name], what) for name in stages],
                None if control is None else [_spread(control[name], what) for name in stages],
                title=title,
                random_shown=selection.network.is_random,
                theme=frame.theme(),
            )
            chart(drawn, key=f"contrast_{what}")
    st.caption(
        "Median over a stage's channels, with the middle half of them as a band. Depth alone does not make objects: "
        "look at the random weights. “Parts and objects” means no more than this: stripes do not suffice, the "
        "arrangement of pieces counts, and a mirror image does not."
    )


def _spread(experiments: "StageExperiments", what: str) -> tuple[float, float, float]:
    spread = getattr(experiments, what)
    return spread.low, spread.median, spread.high
