"""The four quadrants of the textbooks: what each advises, who says so, where they contradict each other. Torch-free.

No source measured where "small" ends or "different" begins. The only figure that is quoted widely is Marcelino's
thousand images per class; Udacity's course calls two thousand images in all small, a million large, and the line
between them "somewhat subjective".
"""

from dataclasses import dataclass

from core.advice.report import Quadrant
from core.advice.tasks import Similarity

SMALL_BELOW = 1_000  # images per class; Marcelino 2018, "Transfer learning from pre-trained models"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who says what."""

    says: str  # completes "<who>: …"
    who: str
    where: str  # citation


@dataclass(frozen=True, kw_only=True)
class QuadrantEntry:
    """One quadrant: its rule in a few words for the chart, in one sentence, and what it freezes."""

    title: str
    short: str
    says: str
    frozen_share: float  # of the network's stages: 1 all, 0 none
    citation: str
    disputed: tuple[Source, ...] = ()


_CS231N = "CS231n, Stanford, notes on transfer learning"

QUADRANTS: dict[Quadrant, QuadrantEntry] = {
    "small-similar": QuadrantEntry(
        title="Small and similar",
        short="Freeze everything,\ntrain a new head",
        says="With few pictures that resemble the source, freeze everything and train a new head only.",
        frozen_share=1.0,
        citation=_CS231N,
    ),
    "small-different": QuadrantEntry(
        title="Small and different",
        short="Keep early stages,\nretrain late ones?",
        says="With few pictures of another kind, keep the early stages and retrain or drop the late ones.",
        frozen_share=0.5,
        citation="Marcelino 2018, Transfer learning from pre-trained models",
        disputed=(
            Source(
                who="Stanford's CS231n",
                says="train nothing but a linear classifier, on the activations of an earlier layer",
                where=_CS231N,
            ),
            Source(
                who="Udacity's course",
                says="cut off all but the first layers and train a new last layer on what is left",
                where="Udacity, Self-Driving Car Nanodegree, The four main cases when using transfer learning",
            ),
            Source(
                who="Lee et al.",
                says="where only the pictures' surface changed, train the first block and freeze the rest",
                where="Lee et al. 2022, arXiv 2210.11466",
            ),
        ),
    ),
    "large-similar": QuadrantEntry(
        title="Large and similar",
        short="Train everything,\ngently",
        says="With many pictures that resemble the source, fine-tune everything, gently.",
        frozen_share=0.0,
        citation=_CS231N,
    ),
    "large-different": QuadrantEntry(
        title="Large and different",
        short="Train everything,\nor start from scratch",
        says="With many pictures of another kind, fine-tune everything from the pretrained weights, or start anew.",
        frozen_share=0.0,
        citation=_CS231N,
    ),
}


def quadrant_of(per_class: int, similarity: Similarity) -> Quadrant:
    """Name the quadrant of a task; what lies between counts as different."""
    if per_class < SMALL_BELOW:
        return "small-similar" if similarity == "similar" else "small-different"
    return "large-similar" if similarity == "similar" else "large-different"
