"""Knowledge fusion: what the technique is, and what it can be asked. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.knowledge_fusion.shift import CameraShift
from core.techniques.papers import DISTILLATION
from core.techniques.technique import Arm, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class KnowledgeFusionSettings(Settings):
    """What a learner may change."""

    target: Literal["science-patches", "digits"] = setting(
        "science-patches",
        "What the network is fine-tuned on. The probe is a fair start on the patches, a poor one on shifted digits.",
    )
    per_class: int = setting(20, "Labelled target images of each class.", 2, 60, title="Images per class")
    alpha: float = setting(
        0.5,
        "How far from the probed (0) to the fine-tuned network (1) the mixtures stand.",
        0,
        1,
        title="Mixture α",
    )
    shift: CameraShift = setting(
        "mixed",
        "What is done to the test pictures to shift them; mixed takes all three.",
        title="Shift of the test",
    )


TECHNIQUE = Technique(
    name="knowledge-fusion",
    title="Knowledge fusion",
    question="Can two networks be made into one that keeps what both of them know?",
    gist=(
        "Fine-tuning a network gains the target and loses some of what the network could do before. WiSE-FT averages "
        "the weights of the network before and after; a soup averages several fine-tuned ones; an ensemble averages "
        "answers instead of weights; distillation teaches one network the answers of several."
    ),
    transferred="parameters",
    differs="task",
    source="tiny_resnet18, trained on 200 kinds of things and small enough for four trainings a seed; a probe on it",
    target="Few pictures of another kind, then the same kind under noise, blur or low contrast",
    quantities=(
        Quantity(name="target", title="Accuracy on the target"),
        Quantity(name="shifted", title="Accuracy on the target, shifted"),
        Quantity(name="earlier", title="Accuracy on an earlier task"),
    ),
    arms=(
        Arm(
            name="fine-tuned",
            title="Fine-tuned",
            role="baseline",
            what="Started from the probe, then trained from the second residual stage on.",
        ),
        Arm(
            name="probed",
            title="Probed, not fine-tuned",
            role="baseline",
            what="The pretrained network with a linear classifier solved on its features: where all others start.",
        ),
        Arm(
            name="wise-ft",
            title="WiSE-FT",
            role="method",
            what="One network: the weights of the two above, mixed at alpha.",
        ),
        Arm(
            name="answers",
            title="Both answers mixed",
            role="method",
            what="The probabilities of the same two networks, mixed at alpha; twice the work for every picture.",
        ),
        Arm(
            name="soup",
            title="Soup of three",
            role="method",
            what="One network: the mean weights of three fine-tuned ones with other learning rates and orders.",
        ),
        Arm(
            name="three",
            title="Three answers averaged",
            role="method",
            what="The mean probabilities of the same three; three times the work for every picture.",
        ),
        Arm(
            name="distilled",
            title="Distilled from three",
            role="method",
            what="One network from the same start, taught by the labels and by the three's averaged answers.",
        ),
        Arm(
            name="reordered",
            title="Reordered, then mixed",
            role="control",
            what="WiSE-FT with a probed network that answers the same but keeps its hidden channels in another order.",
        ),
    ),
    verdict=("wise-ft", "fine-tuned"),
    settings=KnowledgeFusionSettings,
    papers=(
        Paper(text="WiSE-FT: Wortsman et al. 2022, arXiv 2109.01903", url="https://arxiv.org/abs/2109.01903"),
        Paper(
            text="Model soups: Wortsman et al. 2022, arXiv 2203.05482", url="https://arxiv.org/abs/2203.05482"
        ),
        DISTILLATION,
        Paper(
            text="Patching by interpolation: Ilharco et al. 2022, arXiv 2208.05592",
            url="https://arxiv.org/abs/2208.05592",
        ),
        Paper(
            text="Permutations of units: Ainsworth et al. 2023, arXiv 2209.04836",
            url="https://arxiv.org/abs/2209.04836",
        ),
    ),
    code=(
        "core.techniques.knowledge_fusion.weights:interpolated",
        "core.techniques.knowledge_fusion.weights:soup",
        "core.techniques.knowledge_fusion.distillation:distillation_loss",
    ),
    remark=(
        "The paper mixes large networks that already answer well without fine-tuning and gains 2 to 10 points under "
        "shift (arXiv 2109.01903). Where the network before fine-tuning is poor under the shift, as on digits here, "
        "mixing it back in has little to give. The three networks of the soup, the ensemble and the distillation cost "
        "three trainings, and distillation a fourth."
    ),
)
