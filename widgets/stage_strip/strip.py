"""The stage strip: a network's stages as blocks, ice where frozen and fire where trainable; one handle."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

StageState = Literal["ice", "fire", "grey"]

_HERE = Path(__file__).resolve().parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_strip = st.components.v2.component(
    "stage_strip", html=_read("strip.html"), css=_read("strip.css"), js=_read("strip.js")
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of the strip: a stage or the head, what it holds and what leaves it."""

    name: str
    parameters: int
    output: str  # for example "64 × 16 × 16"

    def to_json(self) -> dict[str, Any]:
        """Plain values for the browser."""
        return {"name": self.name, "parameters": self.parameters, "output": self.output}


def stage_strip(
    *,
    key: str,
    stages: tuple[Block, ...],
    head: Block,
    depth: int,
    states: tuple[StageState, ...] | None = None,
    on_change: Callable[[int], None] | None = None,
) -> None:
    """Draw the strip with the first ``depth`` stages frozen.

    With ``on_change`` the boundary can be dragged, clicked and moved by arrow keys; the function gets the
    new depth before the page runs again. Without it the strip only shows, and ``states`` (one per stage)
    may say what a fixed strategy does with each stage.
    """
    shown = states or tuple("ice" if index < depth else "fire" for index in range(len(stages)))

    def changed() -> None:
        wanted = st.session_state[key].depth
        if on_change is not None and isinstance(wanted, int) and 0 <= wanted <= len(stages):
            on_change(wanted)

    _strip(
        key=key,
        data={
            "stages": [one.to_json() for one in stages],
            "head": head.to_json(),
            "states": list(shown),
            "depth": depth,
            "adjustable": on_change is not None,
            "selected": None,
            "selectable": [],
            "about": [],
        },
        on_depth_change=changed,
        on_picked_change=lambda: None,
    )


def stage_picker(
    *,
    key: str,
    stages: tuple[Block, ...],
    head: Block,
    states: tuple[StageState, ...],
    about: tuple[str, ...],
    selected: int,
    selectable: tuple[int, ...],
    on_pick: Callable[[int], None],
) -> None:
    """Draw the same strip to pick one stage from; ``about`` says a sentence about each, shown when it is picked.

    ``on_pick`` gets the number of the stage, one of ``selectable``, before the page runs again.
    """

    def picked() -> None:
        wanted = st.session_state[key].picked
        if wanted in selectable:
            on_pick(wanted)

    _strip(
        key=key,
        data={
            "stages": [one.to_json() for one in stages],
            "head": head.to_json(),
            "states": list(states),
            "depth": 0,
            "adjustable": False,
            "selected": selected,
            "selectable": list(selectable),
            "about": list(about),
        },
        on_depth_change=lambda: None,
        on_picked_change=picked,
    )
