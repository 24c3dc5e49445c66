"""The machine learns it: learning curves, precomputed or computed now, with freezing and the names on them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import streamlit as st

from core.riding import measured, named
from core.riding.config import RidingConfig
from core.riding.experiment import ARMS
from core.riding.experiment_report import RidingReport
from core.riding.policy import SIZES
from core.runs import service
from core.runs.kinds.lanes import RIDES
from core.runs.kinds.riding import RidersShown
from core.runs.spec import RunSpec
from core.words import interval, points
from widgets import address, frame
from widgets.riding.several import choose_several
from widgets.runs import riding
from widgets.runs.visible import VisibleRun, visible_run
from widgets.stage_strip.strip import Block, stage_strip

SEEDS_AT_ONCE = 12
FIRST_SEED = 100  # the shipped table has 0 to 19

BEGINNINGS = {
    "scratch": "Beginner (scratch)",
    "bicycle": "Rode a bicycle",
    "reversed": "Rode it reversed",
    "shuffled": "Bicycle, shuffled",
    "ebike": "Rode an e-bike",
    "bicycle_fresh_head": "Bicycle, new head",
    "reversed_fresh_head": "Reversed, new head",
}
USUAL = ("scratch", "bicycle", "reversed")
FROZEN = {1: "bicycle_first_frozen", 2: "bicycle_two_frozen"}  # by the strip's depth
FROZEN_ELSEWHERE = {
    "bicycle_last_frozen": "Its last two",
    "scratch_two_frozen": "A beginner's two",
    "reversed_two_frozen": "The reversed two",
}
MOTORCYCLES = {"motorcycle": "Motorcycle (1971)", "motorcycle_1994": "Another (1994)"}
ONLY_SHIPPED = ("asymptote", "forgetting")  # they need 300 updates


def draw() -> None:
    """Draw the section."""
    service.warm(RIDES)
    st.markdown(
        "Now a small network does what you just did. It rides, feels which way each of its weights should have been, "
        "and rides again. **Who has ridden before learns faster, if it was the right thing.**"
    )
    arms = choose_several("Who learns the motorcycle?", BEGINNINGS, name="riders", default=USUAL)
    left, right = st.columns([1, 1], gap="large")
    with left:
        target = address.choose(
            st.segmented_control,
            "Which motorcycle?",
            list(MOTORCYCLES),
            name="machine",
            default="motorcycle",
            format_func=MOTORCYCLES.__getitem__,
            required=True,
        )
        st.markdown(
            "**Freeze** layers that the bicycle taught: ice stays as it is, fire learns. "
            "Drag the line, and a blue curve shows what that costs."
        )
        elsewhere = choose_several("Or freeze other layers", FROZEN_ELSEWHERE, name="frozen")
    with right:
        depth = _freeze()
    arms += [*([FROZEN[depth]] if depth else []), *elsewhere]
    terms = choose_several(
        "Name what you see", {one.name: one.title for one in named.TERMS.values()}, name="terms"
    )
    _watched(arms, target, terms)


def _freeze() -> int:
    """Let the visitor freeze layers of the rider from the bicycle; gives how many."""
    depth = int(address.read("freeze", [str(one) for one in range(3)], "0"))
    sizes = [(a + 1) * b for a, b in pairwise(SIZES)]
    stage_strip(
        key="riding_strip",
        stages=(
            Block(name="layer 1", parameters=sizes[0], output=str(SIZES[1])),
            Block(name="layer 2", parameters=sizes[1], output=str(SIZES[2])),
        ),
        head=Block(name="head", parameters=sizes[2], output="torque"),
        depth=min(depth, 2),
        on_change=lambda wanted: address.write(freeze=wanted or None),
    )
    return min(depth, 2)


# --- chart ----------------------------------------------------------------------------------------------


def _watched(arms: list[str], target: str, terms: list[str]) -> None:
    """Draw the chart: of the run that the address names, while it goes and afterwards, else of what ships."""
    seen = _run_here(target)
    if seen is None:
        _start(arms, target, back=False)
        _chart(arms, target, terms, None, None)
        return
    if not seen.record.active:
        _start(arms, target, back=True)
    riding.live(seen, lambda seen, shown: _chart(arms, target, terms, seen, shown))


def _run_here(target: str) -> VisibleRun | None:
    """Look up the run that the address names, if it is of riders on this motorcycle."""
    named = st.query_params.get("run")
    if named is None:
        return None
    with frame.shown_errors():
        seen = visible_run(named)
        config = seen.record.spec.config
        if isinstance(config, RidingConfig):
            # One on the other motorcycle goes on, but is not what is asked for here.
            return seen if config.target == target else None
    address.write(run=None)
    return None


def _chart(
    arms: list[str],
    target: str,
    terms: list[str],
    seen: VisibleRun | None,
    shown: RidersShown | None,
) -> None:
    # Where the 300 updates were measured: on the first motorcycle, by the precomputed riders.
    far = measured.measured() if seen is None and target == "motorcycle" else None
    named_here = [term for term in terms if far is not None or term not in ONLY_SHIPPED]
    long = bool(set(ONLY_SHIPPED) & set(named_here))
    report = shown.report if shown is not None else _shipped(target, long=long)
    drawn = [arm for arm in arms if report is None or report.has([arm])]
    if not drawn:
        st.info("Choose at least one rider above.", icon=":material/arrow_upward:")
    else:
        riding.chart(report, drawn, terms=named_here, forgetting=far.forgetting if far is not None else None)
    missing = [ARMS[arm].title.lower() for arm in arms if arm not in drawn]
    if missing:
        st.caption(
            f"Not measured in what is shown here: {', '.join(missing)}. A run of your own measures it."
        )
    _meanings(terms, far)
    if seen is None or shown is None:
        _precomputed()
    else:
        riding.provenance(seen, shown)


def _shipped(target: str, *, long: bool) -> RidingReport:
    """Give the precomputed curves; where 300 updates were measured and wanted, those."""
    of = measured.measured()
    if target != "motorcycle":
        return of.second
    if not long:
        return of.motorcycle
    names = {curve.arm for curve in of.long.curves}
    rest = tuple(curve for curve in of.motorcycle.curves if curve.arm not in names)
    return replace(of.motorcycle, curves=(*of.long.curves, *rest))


def _meanings(terms: Sequence[str], of: measured.MeasuredRiders | None) -> None:
    """Say what the chosen names mean, what was found for them in ``of``, and where they come from."""
    if not terms:
        return
    lines = [
        f"- **{named.TERMS[term].title}**: {named.TERMS[term].meaning}{_found(term, of)}" for term in terms
    ]
    sources = dict.fromkeys(named.TERMS[term].source for term in terms)
    st.markdown("\n".join(lines))
    st.caption(" · ".join(sources))


def _found(term: str, of: measured.MeasuredRiders | None) -> str:
    """Read what was measured for a name that needs a word more than the curve says."""
    if of is None:
        only = " Measured on the first motorcycle, for the precomputed riders."
        return only if term in ONLY_SHIPPED else ""
    if term == "asymptote":
        gain = named.asymptote_gain(of.long)
        return (
            f" Here practice enough makes all of them equally good: after 300 updates the bicycle's lead is "
            f"{points(gain.value, 2, sign=False)} {interval(gain.low, gain.high, 2)}."
        )
    if term == "forgetting":
        kept = of.forgetting.curve("bicycle").survival[:, -1]
        lost = int((kept < 0.5).sum())
        return (
            f" It is all or nothing: after 300 updates on the motorcycle, {lost} of {len(kept)} riders fall in most "
            f"bicycle rides ({100 * kept.min():.0f} % upright at worst); the other {len(kept) - lost} stay up in at "
            f"least {100 * kept[kept >= 0.5].min():.0f} %."
        )
    return ""


# --- a run of one's own ---------------------------------------------------------------------------------


def _start(arms: Sequence[str], target: str, *, back: bool) -> None:
    with (
        st.container(horizontal=True, vertical_alignment="center", key="riding_run"),
        frame.shown_errors(),
    ):
        if st.button(
            f"Let {SEEDS_AT_ONCE} new riders learn now",
            type="primary",
            icon=":material/play_arrow:",
            key="riding_start",
            disabled=not arms,
        ):
            first = st.session_state.setdefault("riding_seed", FIRST_SEED)
            config = RidingConfig(
                arms=tuple(arms), seeds=tuple(range(first, first + SEEDS_AT_ONCE)), target=target
            )
            asked = service.submit(RunSpec(config=config), frame.visitor(), address=st.context.ip_address)
            st.session_state.riding_seed = first + SEEDS_AT_ONCE
            address.write(run=asked)
            st.rerun()
        if back and st.button("Back to the 20 precomputed", key="riding_back"):
            address.write(run=None)
            st.rerun()


def _precomputed() -> None:
    """Say where the numbers come from that ship."""
    made = measured.measured().provenance
    riding.small_print(
        f"**Precomputed**: {made['seeds']} riders each (seeds 0 to {made['seeds'] - 1}), made on {made['date']} by "
        f"`{made['made_by']}`, {made['cpu_seconds']} s on one core for everything on this page."
    )
