"""Where does it look: maps of what speaks for a class, and how far they can be trusted."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.figures.faithfulness import faithfulness as faithfulness_figure
from core.figures.faithfulness import sanity as sanity_figure
from core.interpretation import attribution, rendering, sanity, specimen
from core.interpretation import faithfulness as measured
from core.interpretation.attribution import METHODS, Attribution
from core.interpretation.explainable import explainable_stages
from core.interpretation.trust import Curves, SanityStep, Stability
from widgets import address, frame
from widgets.chart import chart
from widgets.layers.look import Look
from widgets.turns import long_turn, short_turn

SAME, TOP = "same", 5
HEAVY = 8  # passes through the network from which on one visitor at a time computes
_Key = tuple[str, str, str, int, str | None]  # network, picture, method, class, stage
CHECKS = {"look": "Just look", "faithful": "Is it faithful?", "sanity": "Does it notice learning?"}


def draw(seen: Look) -> None:
    """Draw one or two maps with their figures, then the check that was asked for."""
    one = seen.specimen
    scores = _scores(one, seen.pixels, one.key, seen.picture_key)
    order = np.argsort(-scores, kind="stable")
    stage = _stage(seen)
    left, right = st.columns(2, gap="medium")
    with left:
        method, target = _first_pickers(seen, scores, order)
    with right:
        second, second_target = _second_pickers(seen, scores, order)
    shown = [(left, method, target)]
    if (second, second_target) != (SAME, SAME):
        other = method if second == SAME else second
        shown.append((right, other, target if second_target == SAME else int(second_target)))
    else:
        with right:
            st.image(
                rendering.encode(_framed(seen, seen.large), quality=90),
                width="stretch",
                alt=seen.picture_title,
            )
            st.caption(
                f"The picture; the network sees {one.image_size} × {one.image_size} pixels of it."
                + (" The frame was drawn by hand around the subject." if seen.box else "")
            )
    found: list[Attribution] = []
    for place, name, number in shown:
        with place:
            found.append(_panel(seen, name, number, stage, scores))
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
        _faithful(seen, found)
    elif check == "sanity":
        _sanity(seen, found)


# --- what is asked --------------------------------------------------------------------------------------


def _stage(seen: Look) -> str:
    stages = explainable_stages(seen.specimen)
    return address.choose(
        st.segmented_control,
        "Stage, for the methods that look at one",
        stages,
        name="stage",
        default=stages[-1],
        forget=("channel",),
        required=True,
    )


def _first_pickers(seen: Look, scores: NDArray[np.float32], order: NDArray[np.int64]) -> tuple[str, int]:
    method = address.choose(
        st.selectbox,
        "Method",
        list(METHODS),
        name="method",
        default="grad_cam",
        format_func=lambda name: METHODS[name].title,
    )
    options = _classes(order, seen.specimen.class_names)
    target = address.choose(
        st.selectbox,
        "What speaks for the class",
        options,
        name="target",
        default=options[0],
        what="class",
        format_func=lambda number: _class(seen, scores, order, number),
    )
    return method, int(target)


def _second_pickers(seen: Look, scores: NDArray[np.float32], order: NDArray[np.int64]) -> tuple[str, str]:
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
        [SAME, *_classes(order, seen.specimen.class_names)],
        name="second_target",
        default=SAME,
        what="second class",
        format_func=lambda number: (
            "the same class" if number == SAME else _class(seen, scores, order, number)
        ),
    )
    return second, target


def _classes(order: NDArray[np.int64], names: tuple[str, ...]) -> list[str]:
    """The most probable first, then all others by name; in the address a class is its number."""
    top = [int(number) for number in order[:TOP]]
    others = sorted(set(range(len(names))) - set(top), key=lambda number: names[number].lower())
    return [str(number) for number in (*top, *others)]


def _class(seen: Look, scores: NDArray[np.float32], order: NDArray[np.int64], number: str) -> str:
    name = seen.specimen.class_names[int(number)]
    return f"{name} · {_percent(scores[int(number)])}" if int(number) in order[:TOP] else name


# --- the maps -------------------------------------------------------------------------------------------


def _panel(seen: Look, method: str, target: int, stage: str, scores: NDArray[np.float32]) -> Attribution:
    entry = METHODS[method]
    with st.spinner(f"{entry.title} …"):
        found = _attribute(
            seen.specimen,
            seen.pixels,
            seen.specimen.key,
            seen.picture_key,
            method,
            target,
            stage if entry.staged else None,
        )
    name = frame.plain(seen.specimen.class_names[target])
    st.image(
        rendering.encode(_framed(seen, rendering.overlay(seen.large, found.values)), quality=88),
        width="stretch",
        alt=f"{entry.title} for {seen.specimen.class_names[target]}",
    )
    st.markdown(f"**{name}**: the network says **{_percent(scores[target])}**.")
    if found.silent:
        st.markdown("This map is empty: there is nothing to show.")
    elif seen.box:
        share = attribution.share_inside(found.values, seen.box)
        covers = _percent(attribution.area(seen.box))
        if share is None:
            st.markdown("Nothing in the picture speaks for this class.")
        else:
            st.markdown(
                f"**{_percent(share)}** of the gold lies in the frame, which covers {covers} of the picture."
            )
    where = f" Stage {frame.plain(found.stage)}." if found.stage else ""
    sign = "Gold is strong." if method == "saliency" else "Gold speaks for the class, violet against it."
    st.caption(f"{entry.about} {sign}{where} ({entry.citation})")
    if found.completeness:
        st.caption(found.completeness.sentence())
    caveat = attribution.caveat(seen.specimen, method)
    if caveat:
        st.caption(caveat)
    return found


def _framed(seen: Look, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return rendering.frame(picture, seen.box, width=2) if seen.box else picture


# --- is it faithful? ------------------------------------------------------------------------------------


def _faithful(seen: Look, found: list[Attribution]) -> None:
    st.markdown(
        "Remove what the map calls important: the class should **fall fast**. Bring it into a blurred picture: the "
        "class should **rise fast**. Grey is the same map with its values in random places."
    )
    for number, (place, one) in enumerate(zip(st.columns(2, gap="medium"), found, strict=False)):
        with place:
            st.markdown(f"**{_name(seen, one)}**")
            if one.silent:
                st.markdown("Nothing to measure: the map is empty.")
                continue
            key = _key(seen, one)
            with st.spinner("Removing and bringing in …"):
                curves = _curves(seen.specimen, seen.pixels, one, *key)
            chart(
                faithfulness_figure(curves, theme=frame.theme()),
                key=f"faithful_{number}",
            )
            with st.spinner("Covering and shaking …"):
                stability = _stability(seen.specimen, seen.pixels, one, *key)
            st.markdown(_table(curves, stability))
    st.caption(
        f"Area under the curve, 0 to 1; of {measured.CONTROLS} shuffles the mean (Petsiuk et al. 2018, "
        f"arXiv 1806.07421). Infidelity from {measured.COVERS} random covers, as the share of the score's "
        "changes that the map does not predict; sensitivity from "
        f"{measured.SHAKES} shakes of about one grey level, as the share of the map that moved "
        "(captum.metrics; Yeh et al. 2019, arXiv 1901.09392)."
    )


def _table(curves: Curves, stability: Stability) -> str:
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


def _sanity(seen: Look, found: list[Attribution]) -> None:
    if seen.is_random:
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
    rows = list(found)
    if everything == "all":
        stage = attribution.default_stage(seen.specimen)
        named = next((one.stage for one in found if one.stage), st.query_params.get("stage", stage))
        target = found[0].target
        rows = [_attribute_key(name, target, named if METHODS[name].staged else None) for name in METHODS]
    results = _randomised(seen, rows)
    for one in found:
        steps = results.get(_key(seen, one))
        if steps is None:  # all methods are compared for the first class only
            continue
        st.markdown(f"**{_name(seen, one)}**")
        with st.grid(len(steps), min_column_width=110, gap="xsmall"):
            for number, step in enumerate(steps):
                with st.container(gap="xxsmall"):
                    st.image(
                        rendering.encode(rendering.overlay(seen.large[::2, ::2], step.values), quality=85),
                        width="stretch",
                        alt=f"{METHODS[one.method].title}, step {number + 1} of {len(steps)}",
                    )
                    st.caption(_step_words(step, number))
    compared = {_title(seen, one, rows): results[_key(seen, one)] for one in rows}
    chart(sanity_figure(compared, theme=frame.theme()), key="sanity_chart")
    st.caption(
        "1: the parts of the map are in the same order as with the trained network; 0: unrelated (Spearman's rank "
        "correlation of the magnitudes; SSIM, structural similarity, under each map). One draw of random weights: "
        "a map of few cells, such as Grad-CAM's at a late stage, can be like another by chance. "
        "Test of Adebayo et al. 2018, arXiv 1810.03292."
    )


def _randomised(seen: Look, rows: list[Attribution]) -> dict[_Key, list[SanityStep]]:
    total = len(sanity.parts(seen.specimen)) + 1
    place = st.empty()
    results: dict[_Key, list[SanityStep]] = {}
    for number, one in enumerate(rows):
        kept = _kept(*_key(seen, one))
        if "steps" not in kept:
            place.progress(number / len(rows), text="Waiting for its turn …")
            with long_turn():
                if "steps" not in kept:  # else another visitor asked for the same meanwhile
                    steps = []
                    for step in _steps(seen, one):
                        steps.append(step)
                        share = (number + len(steps) / total) / len(rows)
                        part = step.part or "nothing yet"
                        place.progress(share, text=f"{METHODS[one.method].title}: forgetting {part}")
                    kept["steps"] = steps
        results[_key(seen, one)] = kept["steps"]
    place.empty()
    return results


def _steps(seen: Look, one: Attribution) -> Iterator[SanityStep]:
    return sanity.randomise(
        seen.specimen, seen.random(), seen.pixels, method=one.method, target=one.target, stage=one.stage
    )


def _step_words(step: SanityStep, number: int) -> str:
    if step.part is None:
        return "as trained"
    ssim = "–" if step.ssim is None else f"{step.ssim:.2f}"
    too = "" if number == 1 else " too"
    return f"{frame.plain(step.part)} random{too}, SSIM {ssim}"


def _attribute_key(method: str, target: int, stage: str | None) -> Attribution:
    """A question without its answer yet."""
    nothing = np.zeros((1, 1), dtype=np.float32)
    return Attribution(method=method, target=target, stage=stage, raw=nothing, values=nothing)


def _title(seen: Look, one: Attribution, rows: list[Attribution]) -> str:
    """A row's name; the class only where the rows differ in it."""
    title = METHODS[one.method].title
    several = len({row.target for row in rows}) > 1
    return f"{title}, {seen.specimen.class_names[one.target]}" if several else title


# --- kept answers ---------------------------------------------------------------------------------------


def _key(seen: Look, one: Attribution) -> _Key:
    return seen.specimen.key, seen.picture_key, one.method, one.target, one.stage


def _name(seen: Look, one: Attribution) -> str:
    return f"{METHODS[one.method].title}, {frame.plain(seen.specimen.class_names[one.target])}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%" if share >= 0.1 else f"{100 * share:.1f}\u00a0%"


@st.cache_data(max_entries=256, show_spinner=False)
def _scores(_one: Any, _pixels: NDArray[np.uint8], network: str, picture: str) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = specimen.scores(_one, _pixels)[0]
    return scores


@st.cache_resource(max_entries=256, show_spinner=False)
def _attribute(
    _one: Any,
    _pixels: NDArray[np.uint8],
    network: str,
    picture: str,
    method: str,
    target: int,
    stage: str | None,
) -> Attribution:
    with short_turn() if METHODS[method].passes >= HEAVY else nullcontext():
        return attribution.attribute(_one, _pixels, method=method, target=target, stage=stage)


@st.cache_resource(max_entries=128, show_spinner=False)
def _curves(
    _one: Any,
    _pixels: NDArray[np.uint8],
    _found: Attribution,
    network: str,
    picture: str,
    method: str,
    target: int,
    stage: str | None,
) -> Curves:
    with long_turn():
        return measured.curves(_one, _pixels, _found)


@st.cache_resource(max_entries=128, show_spinner=False)
def _stability(
    _one: Any,
    _pixels: NDArray[np.uint8],
    _found: Attribution,
    network: str,
    picture: str,
    method: str,
    target: int,
    stage: str | None,
) -> Stability:
    with long_turn():
        return measured.stability(_one, _pixels, _found)


@st.cache_resource(max_entries=64, show_spinner=False)
def _kept(
    network: str, picture: str, method: str, target: int, stage: str | None
) -> dict[str, list[SanityStep]]:
    """A place for the steps of one randomisation: filled once all are there."""
    return {}
