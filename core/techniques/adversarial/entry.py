"""Adversarial domain adaptation: features that a domain classifier cannot tell apart. Torch-free."""

from dataclasses import dataclass

from core.settings import setting
from core.techniques.digits.arms import ACCURACY, SOURCE_ONLY, TARGET_LABELS, TOLD_APART
from core.techniques.digits.domains import Target
from core.techniques.technique import Arm, Paper, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(Settings):
    """How strongly the features are pushed to confuse, and whether the domains hold the same digits."""

    target: Target = setting(
        "photographs",
        "The target's digits: over photographs, over one random colour each, or black on white.",
    )
    peak: float = setting(
        0.3,
        "λ at the end: how strongly reversed gradients change the features.",
        0.0,
        3.0,
        title="Strength λ",
    )
    steepness: float = setting(
        10.0,
        "γ: how soon λ rises towards its end; 0 means that it is there from the first step.",
        0.0,
        50.0,
        title="Rise of λ (γ)",
    )
    missing: float = setting(
        0.0,
        "Share of the digits 5-9 that the target lacks, in training and test. Features of both domains can then only "
        "look alike if digits of different kinds do.",
        0.0,
        1.0,
        title="Missing digits",
    )
    steps: int = setting(
        160, "Training steps of every network, the same for all arms.", 10, 400, title="Training steps"
    )


TECHNIQUE = Technique(
    name="adversarial",
    title="Adversarial training (DANN)",
    question="Does a network read digits over photographs better when its features hide which domain they come from?",
    gist="A second, small classifier tries to tell source from target by the network's features. It learns as usual, "
    "but its gradient is turned round on the way into the network: what helps to tell the domains apart is unlearned, "
    "while the source's labels keep the digits apart.",
    transferred="features",
    differs="domain",
    source="600 plain digits with labels",
    target="600 digits blended with photographs, without labels",
    quantities=(ACCURACY, TOLD_APART),
    arms=(
        SOURCE_ONLY,
        Arm(
            name="dann",
            title="DANN",
            role="method",
            what="Trained on both domains, with the domain classifier's gradient reversed.",
        ),
        Arm(
            name="together",
            title="No reversal (λ = 0)",
            role="baseline",
            what="The same training on both domains; the domain classifier watches, but changes nothing.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled domain labels",
            role="control",
            what="DANN whose domain classifier is given random domains: its gradient is noise.",
        ),
        TARGET_LABELS,
    ),
    verdict=("dann", "together"),
    settings=AdversarialSettings,
    papers=(
        Paper(text="Ganin et al. 2016, JMLR 17(59)", url="https://arxiv.org/abs/1505.07818"),
        Paper(text="Zhao et al. 2019: when it fails", url="https://arxiv.org/abs/1901.09453"),
        Paper(
            text="Bousmalis et al. 2017: published comparison on digits",
            url="https://arxiv.org/abs/1612.05424",
        ),
    ),
    code=(
        "core.techniques.adversarial.reversal:reverse",
        "core.techniques.adversarial.reversal:confusion",
        "core.techniques.digits.training:ramp",
    ),
    remark="If digits come in other proportions in the target, features that look alike must be wrong for some of "
    "them (Zhao et al. 2019, arXiv 1901.09453): let digits be missing and see. That the domain classifier fails proves "
    "little, since it may only be outrun; so a fresh linear classifier tries again afterwards.",
)
