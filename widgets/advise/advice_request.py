"""What the visitor asked about: a network, and a task in words or in pictures."""

from dataclasses import dataclass

from core.advice.report import Advice, Description, Measures
from core.backbones.catalogue import BackboneEntry
from widgets.previews import Choice


@dataclass(frozen=True, kw_only=True)
class AdviceRequest:
    """The question, and the answer where there is one."""

    entry: BackboneEntry
    description: Description | None = None
    choice: Choice | None = None  # the pictures, where some were brought
    measures: Measures | None = None
    known_as: str | None = None  # the measured data set that the pictures are, where they are one
    advice: Advice | None = None
