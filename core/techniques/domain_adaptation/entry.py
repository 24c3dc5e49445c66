"""Domain adaptation: labels in one domain, pictures alone in another. Torch-free."""

from dataclasses import dataclass

from core.settings import setting
from core.techniques.digits.arms import ACCURACY, SOURCE_ONLY, TARGET_LABELS, TOLD_APART
from core.techniques.digits.domains import FEWEST_TARGET, TARGET, Target
from core.techniques.technique import Arm, Paper, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class DomainAdaptationSettings(Settings):
    """What sets the domains apart, and how hard the training tries to bring them together."""

    target: Target = setting(
        "photographs",
        "The target's digits: over photographs, over one random colour each, or black on white. Digits that are all "
        "inverted look like other digits to the network, and matching clouds of features then matches wrong classes.",
    )
    target_images: int = setting(
        TARGET,
        "Images of the target, without labels.",
        FEWEST_TARGET,
        TARGET,
    )
    weight: float = setting(
        1.0,
        "λ: weight of the distance between the domains beside the classification loss.",
        0.0,
        10.0,
        title="Weight λ",
    )
    missing: float = setting(
        0.0,
        "Share of the digits 5-9 that the target lacks. Methods that make both domains look alike assume that each "
        "digit comes equally often in both.",
        0.0,
        1.0,
        title="Missing digits",
    )
    steps: int = setting(
        120, "Training steps of every network, the same for all arms.", 5, 400, title="Training steps"
    )


TECHNIQUE = Technique(
    name="domain-adaptation",
    title="Domain adaptation",
    question="Can a network that knows plain digits learn to read digits over photographs, without one label there?",
    gist="All methods look at target pictures without labels and make the two domains look alike to the classifier. "
    "AdaBN measures BatchNorm's statistics anew; CORAL matches means and covariances; optimal transport moves each "
    "source feature to a target feature; Deep CORAL and MMD make the distance between the domains a part of the loss.",
    transferred="features",
    differs="domain",
    source="600 plain digits with labels",
    target="digits blended with photographs, without labels",
    quantities=(ACCURACY, TOLD_APART),
    arms=(
        SOURCE_ONLY,
        Arm(
            name="adabn",
            title="AdaBN",
            role="method",
            what="The same weights, with BatchNorm's means and variances measured on the target.",
        ),
        Arm(
            name="coral",
            title="CORAL",
            role="method",
            what="The source's features get the target's mean and covariance; the classifier is fitted again.",
        ),
        Arm(
            name="transport",
            title="Optimal transport",
            role="method",
            what="Source features move to target features along the cheapest plan; the classifier is fitted again.",
        ),
        Arm(
            name="deep_coral",
            title="Deep CORAL",
            role="method",
            what="Trained on both domains at once; the distance of their covariances is part of the loss.",
        ),
        Arm(
            name="mmd",
            title="MMD",
            role="method",
            what="Trained on both domains at once; their maximum mean discrepancy is part of the loss.",
        ),
        Arm(
            name="together",
            title="Both, no distance (λ = 0)",
            role="control",
            what="Both domains pass through the network, but only the source's labels count: BatchNorm alone.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled source labels",
            role="control",
            what="Deep CORAL with the source's labels dealt out at random: there is nothing to transfer.",
        ),
        TARGET_LABELS,
    ),
    verdict=("deep_coral", "source"),
    settings=DomainAdaptationSettings,
    papers=(
        Paper(
            text="Ganin et al. 2016, JMLR 17(59): the MNIST-M recipe", url="https://arxiv.org/abs/1505.07818"
        ),
        Paper(text="Li et al. 2016, AdaBN", url="https://arxiv.org/abs/1603.04779"),
        Paper(text="Sun et al. 2016, CORAL", url="https://arxiv.org/abs/1511.05547"),
        Paper(text="Sun & Saenko 2016, Deep CORAL", url="https://arxiv.org/abs/1607.01719"),
        Paper(text="Long et al. 2015, deep adaptation by MMD", url="https://arxiv.org/abs/1502.02791"),
        Paper(text="Courty et al. 2017, optimal transport", url="https://arxiv.org/abs/1507.00504"),
    ),
    code=(
        "core.techniques.domain_adaptation.coral:coral_loss",
        "core.techniques.domain_adaptation.mmd:mmd",
        "core.techniques.domain_adaptation.transport:transported",
    ),
    remark="Features that look alike need not mean the same: with inverted digits, or digits that the target lacks, "
    "a method can match the wrong classes (Zhao et al. 2019, arXiv 1901.09453).",
)
