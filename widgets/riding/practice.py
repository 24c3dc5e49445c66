"""The machine learns it: learning curves, precomputed or computed now, with freezing and the names on them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import streamlit as st

from core.figures.riding import learning
from core.figures.says import figure_says
from core.live import pool
from core.riding import measured, named
from core.riding.experiment import ARMS
from core.riding.experiment_report import KIND, Report
from core.riding.live import RidingRun, start
from core.riding.policy import SIZES
from widgets import address, frame, turns
from widgets.chart import chart
from widgets.riding.several import choose_several
from widgets.stage_strip.strip import Block, stage_strip

SEEDS_AT_ONCE = 12
FIRST_SEED = 100  # the shipped table has 0 to 19
LOOK_EVERY = 0.6  # seconds

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
    """Draw the chart; while a run is on, again and again, without the page around it."""
    run: RidingRun | None = st.session_state.get("riding_live")
    every = LOOK_EVERY if run is not None and not run.over else None
    st.fragment(_chart, run_every=every)(arms, target, terms, polling=every is not None)


def _chart(arms: list[str], target: str, terms: list[str], *, polling: bool) -> None:
    run: RidingRun | None = st.session_state.get("riding_live")
    if run is not None:
        run.look()
        if polling and run.over:
            st.rerun()
    # A run on the other motorcycle goes on, but is not what is asked for here.
    told = run is not None and run.target == target and (run.report is not None or not run.over)
    live = run if told else None
    # Where the 300 updates were measured: on the first motorcycle, by the precomputed riders.
    far = measured.measured() if live is None and target == "motorcycle" else None
    drawn = [term for term in terms if far is not None or term not in ONLY_SHIPPED]
    report = live.report if live is not None else _shipped(target, long=bool(set(ONLY_SHIPPED) & set(drawn)))
    shown = [arm for arm in arms if report is None or report.has([arm])]
    if not shown:
        st.info("Choose at least one rider above.", icon=":material/arrow_upward:")
    else:
        forgot = far.forgetting if far is not None else None
        curves = learning(report, shown, terms=drawn, forgetting=forgot, theme=frame.theme())
        chart(curves, key="riding_learning", says=figure_says(curves))
    missing = [ARMS[arm].title.lower() for arm in arms if arm not in shown]
    if missing:
        st.caption(
            f"Not measured in what is shown here: {', '.join(missing)}. A run of your own measures it."
        )
    _controls(run, arms, target, back=live is not None)
    _meanings(terms, far)
    _provenance(live, failed=run is not None and run.state == "failed")


def _shipped(target: str, *, long: bool) -> Report:
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
            f"{_points(gain.value)} points [{_points(gain.low)}, {_points(gain.high)}]."
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


def _points(share: float) -> str:
    return f"{100 * share:.2f}".replace("-", "−")


# --- a run of one's own ---------------------------------------------------------------------------------


def _controls(run: RidingRun | None, arms: Sequence[str], target: str, *, back: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="riding_run"):
        if run is not None and not run.over:
            if st.button("Stop", icon=":material/stop:", key="riding_stop"):
                run.stop()
            st.progress(run.done, text=_doing(run))
            return
        if st.button(
            f"Let {SEEDS_AT_ONCE} new riders learn now",
            type="primary",
            icon=":material/play_arrow:",
            key="riding_start",
            disabled=not arms,
        ):
            first = st.session_state.setdefault("riding_seed", FIRST_SEED)
            st.session_state.riding_seed = first + SEEDS_AT_ONCE
            st.session_state.riding_live = start(
                arms, range(first, first + SEEDS_AT_ONCE), target, owner=turns.owner()
            )
            st.rerun()
        if back and st.button("Back to the 20 precomputed", key="riding_back"):
            del st.session_state.riding_live
            st.rerun()


def _doing(run: RidingRun) -> str:
    if run.state == "waiting":
        ahead = pool.ahead(run)
        return f"Somebody else's riders are practising; {ahead} before you" if ahead else "Starting"
    what = "First they learn what they come from" if run.learning == "source" else "Learning the motorcycle"
    return f"{what}, {run.seconds:.0f} s"


def _provenance(live: RidingRun | None, *, failed: bool) -> None:
    """Say where the numbers come from."""
    if live is None:
        made = measured.measured().provenance
        text = (
            f"**Precomputed**: {made['seeds']} riders each (seeds 0 to {made['seeds'] - 1}), made on {made['date']} by "
            f"`{made['made_by']}`, {made['cpu_seconds']} s on one core for everything on this page."
        )
        if failed:
            text = "The run ended with an error; this is the precomputed table. " + text
    else:
        ended = {"finished": "Measured just now", "stopped": "Stopped", "failed": "Ended with an error"}.get(
            live.state, "Being measured now"
        )
        seeds = f"seeds {live.seeds[0]} to {live.seeds[-1]}"
        text = f"**{ended}**: {len(live.seeds)} riders each ({seeds}), {live.seconds:.1f} s."
    st.caption(
        f"{text} An update is 3 rides of 4 s. The test is always the same 96 rides with gusts. "
        f"Lines are means, bands {KIND}."
    )
