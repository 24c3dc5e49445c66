"""Instance-based transfer: which source examples to listen to. Torch-free."""

from dataclasses import dataclass

from core.settings import setting
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class InstanceWeightingSettings(Settings):
    """How biased and how reliable the source is."""

    share: float = setting(
        0.95,
        "Share of the source that shows digits 0-4; the same share of the target shows 5-9. 0.5 means no bias.",
        0.5,
        1.0,
        title="Bias of the source",
    )
    wrong: float = setting(
        0.0,
        "Share of the source's labels that are wrong: reweighting by looks alone cannot see it.",
        0.0,
        0.4,
        title="Wrong source labels",
    )
    source_images: int = setting(500, "How many labelled source images there are.", 50, 500)
    rounds: int = setting(20, "How often TrAdaBoost corrects its weights.", 2, 50, title="TrAdaBoost rounds")


TECHNIQUE = Technique(
    name="instance-weighting",
    title="Weighting source examples",
    question="When the source shows mostly other digits than the target, does it pay to weight its examples?",
    gist="Is a digit odd or even? Labels are plentiful for digits 0-4, but 5-9 are asked about. Importance weighting "
    "trains a second classifier to tell source images from target images, and listens more to source images that could "
    "be the target's. TrAdaBoost needs target labels instead: round by round it stops listening to source examples "
    "that contradict them.",
    transferred="instances",
    differs="domain",
    source="labelled digits, mostly 0-4",
    target="digits, mostly 5-9, a few of them labelled",
    quantities=(Quantity(name="accuracy", title="Accuracy on target test images"),),
    arms=(
        Arm(
            name="importance",
            title="Importance weighting",
            role="method",
            what="Source images weighted by how much likelier they are in the target, plus the target labels.",
        ),
        Arm(
            name="tradaboost",
            title="TrAdaBoost",
            role="method",
            what="Boosting that turns source examples down when they disagree with the target labels.",
        ),
        Arm(
            name="pooled",
            title="Source and target",
            role="baseline",
            what="All labelled images together, each counted once.",
        ),
        Arm(
            name="target",
            title="Target labels only",
            role="baseline",
            what="No transfer: only the few labelled target images.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled weights",
            role="control",
            what="The same importance weights, dealt out to the source images at random.",
        ),
    ),
    verdict=("importance", "pooled"),
    settings=InstanceWeightingSettings,
    papers=(
        Paper(
            text="Shimodaira 2000, covariate shift, J. Stat. Planning and Inference 90(2)",
            url="https://doi.org/10.1016/S0378-3758(00)00115-4",
        ),
        Paper(
            text="Bickel, Brückner & Scheffer 2009, JMLR 10:2137",
            url="https://www.jmlr.org/papers/v10/bickel09a.html",
        ),
        Paper(text="Dai et al. 2007, TrAdaBoost, ICML", url="https://doi.org/10.1145/1273496.1273521"),
        Paper(text="Byrd & Lipton 2019, arXiv 1812.03372", url="https://arxiv.org/abs/1812.03372"),
    ),
    code=(
        "core.techniques.instance_weighting.importance:importance_weights",
        "core.techniques.instance_weighting.tradaboost:boost",
        "core.techniques.instance_weighting.tradaboost:vote",
    ),
    axis=Axis(title="Labelled target images", logarithmic=True),
    remark="A linear classifier cannot be right everywhere, so it matters where it is asked to be right (Shimodaira "
    "2000). A network that can fit every example gains little from weights (Byrd & Lipton 2019, arXiv 1812.03372). "
    "On MNIST the same recipe showed no difference: +1.9 points [−0.7, 4.5], 5 seeds (measured by "
    "benchmarks/instance_weighting.py). Make source labels wrong, and look at who suffers.",
)
