"""The three plain questions about a task's pictures; each may stay unanswered, and all stand in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.advice.report import Description
from core.advice.tasks import DIFFERENCES, IMAGINGS, SIMILARITIES
from widgets import address

UNKNOWN = "unknown"
NAMES = ("similar", "differ", "made")  # in the address


@dataclass(frozen=True, kw_only=True)
class TaskAnswers:
    """What the visitor said; None: "I don't know"."""

    similarity: str | None
    difference: str | None
    imaging: str | None

    def __bool__(self) -> bool:
        return (self.similarity, self.difference, self.imaging) != (None, None, None)

    def about(self, *, per_class: int, classes: int) -> Description:
        """Describe a task of so many pictures; `SettingsError` for absurd numbers."""
        return Description(
            per_class=per_class,
            classes=classes,
            similarity=self.similarity,  # type: ignore[arg-type]
            difference=self.difference,  # type: ignore[arg-type]
            imaging=self.imaging,  # type: ignore[arg-type]
        )


def ask() -> TaskAnswers:
    """Draw the questions."""
    return TaskAnswers(
        similarity=_question("What do they show?", SIMILARITIES, "similar"),
        difference=_question("What is unlike everyday photographs?", DIFFERENCES, "differ"),
        imaging=_question("How were they made?", IMAGINGS, "made"),
    )


def _question(label: str, answers: Mapping[Any, str], name: str) -> str | None:
    chosen = address.choose(
        st.selectbox,
        label,
        [UNKNOWN, *answers],
        name=name,
        what="answer",
        default=UNKNOWN,
        format_func=lambda one: "I don't know" if one == UNKNOWN else answers[one],
    )
    return None if chosen == UNKNOWN else chosen
