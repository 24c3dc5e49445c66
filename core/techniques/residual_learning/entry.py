"""Residual learning: what the technique is, and what it can be asked. Torch-free."""

from dataclasses import dataclass

from core.settings import setting
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class ResidualLearningSettings(Settings):
    """What a learner may change."""

    blocks: int = setting(
        10, "Blocks of the deepest network, two layers each.", 2, 24, title="Blocks at most"
    )
    images: int = setting(500, "Digits to learn from.", 100, 1000, title="Training images")
    epochs: int = setting(8, "How often they are seen.", 1, 20)


TECHNIQUE = Technique(
    name="residual-learning",
    title="Residual learning",
    question="Why can a network of many layers be trained at all, and then be handed on?",
    gist=(
        "A residual block does not compute its answer anew: it computes a change H(x) and adds it to what came in, "
        "y = H(x) + x. To do nothing is then easy, so more layers need not hurt, and each block depends less on the "
        "one before it. Most backbones that are handed on today are built so."
    ),
    transferred="parameters",
    differs="task",
    source="Random weights, the same for every arm; below, tiny_resnet18, a residual network, as it comes",
    target="Handwritten digits, 8 × 8 pixels",
    quantities=(
        Quantity(name="training-error", title="Error on the training images", higher_is_better=False),
        Quantity(name="accuracy", title="Accuracy on test images"),
    ),
    arms=(
        Arm(name="residual", title="Residual", role="method", what="Every block adds its change: H(x) + x."),
        Arm(
            name="plain",
            title="Plain",
            role="baseline",
            what="The same layers, BatchNorm included, and the same random weights, without the addition: H(x).",
        ),
        Arm(
            name="halved",
            title="Halved shortcut",
            role="control",
            what="The addition is there, but weakened: H(x) + x / 2, so what came in fades block by block.",
        ),
    ),
    verdict=("residual", "plain"),
    settings=ResidualLearningSettings,
    papers=(
        Paper(
            text="Residual networks: He et al. 2016, arXiv 1512.03385", url="https://arxiv.org/abs/1512.03385"
        ),
        Paper(
            text="Identity shortcuts: He et al. 2016, arXiv 1603.05027",
            url="https://arxiv.org/abs/1603.05027",
        ),
        Paper(
            text="Ensembles of shallow networks: Veit et al. 2016, arXiv 1605.06431",
            url="https://arxiv.org/abs/1605.06431",
        ),
    ),
    code=(
        "core.techniques.residual_learning.network:ShortcutBlock",
        "core.techniques.residual_learning.anatomy:parts",
    ),
    axis=Axis(title="Layers with weights", logarithmic=True),
    remark=(
        "If a deeper network were only overfitting, its training error would fall. He et al. saw it rise: 20 against "
        "56 plain layers on CIFAR-10 (arXiv 1512.03385, figure 1). The verdict takes the mean over all depths."
    ),
)
