"""The states of a run: queued -> running -> finished | failed | stopped. Torch-free.

``stopping`` stands between a person's wish and the worker's answer.
"""

from typing import Literal, get_args

State = Literal["queued", "running", "stopping", "finished", "failed", "stopped"]
End = Literal["finished", "failed", "stopped"]

STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = get_args(End)
IN_WORK: tuple[State, ...] = ("running", "stopping")
ACTIVE: tuple[State, ...] = ("queued", *IN_WORK)  # something will still happen without anybody doing anything


def sql(states: tuple[State, ...]) -> str:
    """Write a choice of states as SQL has it after ``state IN``."""
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"
