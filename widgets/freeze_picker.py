"""How deep to freeze: the strategy, and the strip whose boundary sets the depth."""

from dataclasses import dataclass

import streamlit as st

from core.backbones.catalogue import BackboneEntry
from core.training.config import STRATEGIES
from widgets import address, network
from widgets.stage_strip.strip import StageState, stage_strip

# These three are one line: everything trained, some stages frozen, all stages frozen.
FULL, TO_DEPTH, PROBE = "full", "freeze_to_depth", "linear_probe"
LP_FT = "lp_ft"  # freezes any number of stages, by default none
_AFTER_PROBE = "{}, LP-FT"  # its depth is kept apart


@dataclass(frozen=True, kw_only=True)
class ChosenFreezing:
    """What `FinetuneConfig` takes, and one phrase for the run's title."""

    strategy: str
    depth: int | None  # None where the strategy defines it
    phrase: str


def pick(entry: BackboneEntry, *, classes: int, image_size: int | None) -> ChosenFreezing:
    """Draw the strategy and the strip, which follow a link and write one."""
    _follow_link(entry)
    st.session_state.setdefault("strategy", TO_DEPTH)
    strategy = (
        st.selectbox(
            "Strategy",
            list(STRATEGIES),
            format_func=lambda name: STRATEGIES[name].title,
            key="strategy",
            label_visibility="collapsed",
            persist_state="session",
        )
        or TO_DEPTH
    )
    adjustable = strategy in (FULL, TO_DEPTH, PROBE, LP_FT)
    depth = {FULL: 0, PROBE: entry.depth, LP_FT: _depth_after_probe(entry)}.get(strategy, _depth_of(entry))

    def move(wanted: int) -> None:
        if strategy == LP_FT and wanted < entry.depth:
            choose(entry, LP_FT, wanted)
        else:
            choose(entry, {0: FULL, entry.depth: PROBE}.get(wanted, TO_DEPTH), wanted)

    st.caption(STRATEGIES[strategy].what)
    stages, head = network.blocks(entry, classes=classes, image_size=image_size)
    stage_strip(
        key="stages",
        stages=stages,
        head=head,
        depth=depth,
        states=None if adjustable else _states(strategy, entry.depth),
        on_change=move if adjustable else None,
    )
    own_depth = depth if strategy in (TO_DEPTH, LP_FT) else None
    usual = {TO_DEPTH: (entry.depth + 1) // 2, LP_FT: 0}.get(strategy)
    address.kept(
        "freezing",
        strategy=None if strategy == TO_DEPTH else strategy,
        frozen=None if own_depth == usual else own_depth,
    )
    return ChosenFreezing(
        strategy=strategy,
        depth=own_depth,
        phrase=_phrase(strategy, depth, entry.depth),
    )


def _follow_link(entry: BackboneEntry) -> None:
    """Set the strategy and how many stages stay frozen as a link says; say so where they are not here."""
    linked = address.followed("freezing", ("strategy", "frozen"))
    strategy = linked.get("strategy", TO_DEPTH)
    frozen = linked.get("frozen", "")
    if strategy not in STRATEGIES:
        address.refuse("strategy", strategy)
    elif frozen and not (frozen.isdecimal() and int(frozen) <= entry.depth):
        address.refuse("number of frozen stages", frozen)
    elif frozen:
        choose(entry, strategy, int(frozen))
    elif linked:
        st.session_state["strategy"] = strategy


def _phrase(strategy: str, depth: int, stages: int) -> str:
    frozen = f"{depth} of {stages} stages frozen"
    if strategy == TO_DEPTH:
        return frozen
    title = STRATEGIES[strategy].title
    return f"{title}, {frozen}" if strategy == LP_FT and depth else title


def choose(entry: BackboneEntry, strategy: str, depth: int) -> None:
    """Set what the picker shows for the network ``entry``, from outside."""
    st.session_state["strategy"] = strategy
    _depths()[_AFTER_PROBE.format(entry.name) if strategy == LP_FT else entry.name] = depth


def _depths() -> dict[str, int]:
    depths: dict[str, int] = st.session_state.setdefault("depths", {})
    return depths


def _depth_of(entry: BackboneEntry) -> int:
    """The depth that the visitor last set for this network, by default half of its stages, rounded up."""
    depth = _depths().get(entry.name, (entry.depth + 1) // 2)
    # A strategy chosen by its name means some stages frozen, not none or all.
    return depth if 0 < depth < entry.depth else (entry.depth + 1) // 2


def _depth_after_probe(entry: BackboneEntry) -> int:
    depth = _depths().get(_AFTER_PROBE.format(entry.name), 0)
    return depth if depth < entry.depth else 0


def _states(strategy: str, stages: int) -> tuple[StageState, ...]:
    """What a strategy that fixes it does with each stage."""
    if not STRATEGIES[strategy].pretrained:
        return tuple("grey" for _ in range(stages))
    return tuple("ice" if strategy == "surgical" and number else "fire" for number in range(stages))
