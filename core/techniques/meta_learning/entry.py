"""Meta-learning: weights from which a few steps are enough, learned on sine waves. Torch-free."""

from dataclasses import dataclass
from typing import ClassVar

from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique
from core.training.config import setting


@dataclass(frozen=True, kw_only=True)
class MetaLearningSettings(Settings):
    """How few points a new wave gives, how long learning to learn lasts, and how different the waves are."""

    shots: int = setting(10, "Points of a new wave that the network may learn from (the paper's K).")
    rounds: int = setting(1500, "Rounds of learning to learn, 25 waves each; the paper has 70,000.")
    inner_steps: int = setting(1, "Gradient steps that MAML looks ahead while it learns to learn.")
    variety: float = setting(
        1.0,
        "How far the waves are shifted against each other: 1 up to half a period, as in the paper; 0 not at all.",
    )

    LIMITS: ClassVar[tuple[tuple[str, float, float], ...]] = (
        ("shots", 2, 20),
        ("rounds", 10, 10_000),
        ("inner_steps", 1, 3),
        ("variety", 0.0, 1.0),
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
        Paper(
            text="Snell et al. 2017, NeurIPS (prototypical networks)", url="https://arxiv.org/abs/1703.05175"
        ),
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
)
