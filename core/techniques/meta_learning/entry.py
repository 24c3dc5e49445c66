"""Meta-learning: weights from which a few steps are enough, learned on sine waves. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique

_WHICH = "Sine waves, or characters of alphabets that were never shown: Omniglot, 16 MB, fetched when you run it first."


@dataclass(frozen=True, kw_only=True)
class MetaLearningSettings(Settings):
    """How few points a new wave gives, how long learning to learn lasts, and how different the waves are."""

    tasks: Literal["waves"] = setting("waves", _WHICH)
    shots: int = setting(10, "Points of a new wave that the network may learn from (the paper's K).", 2, 20)
    rounds: int = setting(
        1500, "Rounds of learning to learn, 25 waves each; the paper has 70,000.", 10, 10_000
    )
    inner_steps: int = setting(1, "Gradient steps that MAML looks ahead while it learns to learn.", 1, 3)
    variety: float = setting(
        1.0,
        "How far the waves are shifted against each other: 1 up to half a period, as in the paper; 0 not at all.",
        0.0,
        1.0,
    )


@dataclass(frozen=True, kw_only=True)
class OmniglotSettings(Settings):
    """How long learning to learn lasts, and how many new characters are told apart."""

    tasks: Literal["omniglot"] = setting("omniglot", _WHICH)
    episodes: int = setting(
        120, "Small tasks to learn on, of 20 characters each; the papers have tens of thousands.", 1, 1000
    )
    ways: int = setting(5, "New characters that are told apart at once.", 2, 20)


_SNELL = Paper(
    text="Snell et al. 2017, NeurIPS (prototypical networks)", url="https://arxiv.org/abs/1703.05175"
)

OMNIGLOT = Technique(
    name="meta-learning",
    title="Meta-learning",
    question="Can a network be trained so that a few drawings are enough to know a character of an unknown alphabet?",
    gist=(
        "A prototypical network is not trained to name characters, but on small tasks like those to come: a few "
        "characters, a few drawings of each, then a question. It learns an embedding in which the mean of a few "
        "drawings stands for a character, and each new drawing belongs to the nearest mean."
    ),
    transferred="parameters",
    differs="task",
    source="964 characters of 30 alphabets, 20 drawings of each (Omniglot)",
    target="characters of 20 other alphabets, of which a few drawings are known",
    quantities=(Quantity(name="accuracy", title="Accuracy on new characters"),),
    arms=(
        Arm(
            name="prototypes",
            title="Prototypical network",
            role="method",
            what="Trained on small tasks; a character is the mean of its few embedded drawings.",
        ),
        Arm(
            name="classifier",
            title="Plain classifier",
            role="baseline",
            what="The same network, with as many drawings and steps, trained to name the known characters.",
        ),
        Arm(
            name="pixels",
            title="Pixels",
            role="baseline",
            what="No network: a character is the mean of its few drawings.",
        ),
        Arm(
            name="random",
            title="Random weights",
            role="control",
            what="The same network, which has learned nothing.",
        ),
    ),
    verdict=("prototypes", "classifier"),
    settings=OmniglotSettings,
    papers=(
        _SNELL,
        Paper(text="Lake et al. 2015, Science 350 (Omniglot)", url="https://doi.org/10.1126/science.aab3050"),
    ),
    code=(
        "core.techniques.meta_learning.prototypes:class_scores",
        "core.techniques.meta_learning.prototypes:episode",
    ),
    axis=Axis(title="Drawings of each new character", logarithmic=True),
    remark=(
        "Every arm is asked the same questions, and names by the nearest mean; they differ in the embedding alone. The "
        "new characters are of alphabets that the network has never met, which is harder than new characters of known "
        "alphabets, as Snell et al. 2017 and most papers have them."
    ),
    switch="tasks",
    module="new_characters",
    download="Fetched when you run it first, and kept: Omniglot (16 MB, from its authors' repository).",
)

TECHNIQUE = Technique(
    name="meta-learning",
    title="Meta-learning",
    question="Can a network be trained so that a few steps on a few points are enough for a task it has never met?",
    gist=(
        "Plain pretraining looks for weights that are good on all known tasks at once. MAML looks for weights that "
        "become good after a small step on a new task, and differentiates through that step. Reptile gets there "
        "more simply: it learns one task after the other and moves a little towards where each of them led."
    ),
    transferred="parameters",
    differs="task",
    source="many sine waves, each of its own height and shift, a few points of each",
    target="a new sine wave, of which a few points are known",
    quantities=(Quantity(name="error", title="Mean squared error", share=False, higher_is_better=False),),
    arms=(
        Arm(
            name="maml",
            title="MAML",
            role="method",
            what="Trained so that one gradient step on a new wave helps as much as possible.",
        ),
        Arm(
            name="reptile",
            title="Reptile",
            role="method",
            what="Three plain steps on a wave, then the weights move towards where these led.",
        ),
        Arm(
            name="pretrained",
            title="Pretrained on all waves",
            role="baseline",
            what="The same network, waves, points and rounds, but trained to fit all waves at once.",
        ),
        Arm(
            name="random",
            title="Random weights",
            role="control",
            what="The same network, which has seen no wave before the new one.",
        ),
    ),
    verdict=("maml", "pretrained"),
    settings=MetaLearningSettings,
    papers=(
        Paper(text="Finn et al. 2017, ICML (MAML)", url="https://arxiv.org/abs/1703.03400"),
        Paper(text="Nichol et al. 2018 (Reptile)", url="https://arxiv.org/abs/1803.02999"),
        _SNELL,
    ),
    code=(
        "core.techniques.meta_learning.maml:adapt",
        "core.techniques.meta_learning.maml:loss_after_adapting",
        "core.techniques.meta_learning.reptile:pull",
        "core.techniques.meta_learning.prototypes:class_scores",
    ),
    axis=Axis(title="Gradient steps on the new wave"),
    remark=(
        "Look at step 0: MAML does not start nearer to the new wave than plain pretraining does, it moves faster. Step "
        "sizes on a new wave are chosen for every arm on waves that are not tested. Prototypes need many classes to "
        "learn from: six digits are too few, but with 90 characters of Omniglot they name 96.7 % of new ones, and "
        "plain pixels 66.1 % (5 classes, 5 examples each; measured by benchmarks/meta_learning.py)."
    ),
    variants=(OMNIGLOT,),
    switch="tasks",
)
