"""Negative transfer: what happens when source and target disagree. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.digits.arms import ACCURACY
from core.techniques.technique import Arm, Axis, Paper, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class NegativeTransferSettings(Settings):
    """In what, and how far, the source disagrees."""

    disagree_in: Literal["labels", "pictures"] = setting(
        "labels",
        "'labels': the disagreeing source calls digits by the next digit's name. 'pictures': it is no set of digits "
        "but of photographs, so only features are transferred, under a new head.",
        title="Disagree in",
    )
    disagreement: float = setting(
        1.0,
        "Share of the disagreeing source's images with a wrong label; 0 agrees with the target throughout.",
        0.0,
        1.0,
    )
    source_steps: int = setting(100, "Training steps on the source.", 5, 300)
    steps: int = setting(
        60, "Training steps on the target, the same for all arms.", 5, 400, title="Target steps"
    )


TECHNIQUE = Technique(
    name="negative-transfer",
    title="Negative transfer",
    question="When does knowledge from a source do harm, and can it be foreseen before training?",
    gist="A network learns a source, then goes on learning a few labelled images of the target, head and all. One "
    "source agrees with the target, one calls the digits by wrong names, one has names at random. Whoever starts from "
    "nothing has nothing to unlearn.",
    transferred="parameters",
    differs="labels",
    source="600 plain digits, with right names or wrong ones",
    target="digits over photographs, a few of them with labels",
    quantities=(ACCURACY,),
    arms=(
        Arm(
            name="agrees",
            title="Source agrees",
            role="method",
            what="Fine-tuned from a network that learned plain digits under their right names.",
        ),
        Arm(
            name="disagrees",
            title="Source disagrees",
            role="method",
            what="Fine-tuned from a network whose source disagrees with the target, as the settings say.",
        ),
        Arm(
            name="scratch",
            title="From scratch",
            role="baseline",
            what="The same network and budget on the target's images alone.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled source labels",
            role="control",
            what="Fine-tuned from a network that learned the source's pictures with names dealt out at random.",
        ),
    ),
    verdict=("disagrees", "scratch"),
    settings=NegativeTransferSettings,
    papers=(
        Paper(
            text="Pan & Yang 2010, section 2: when to transfer", url="https://doi.org/10.1109/TKDE.2009.191"
        ),
        Paper(
            text="Wang et al. 2019: negative transfer, measured by degrees",
            url="https://arxiv.org/abs/1811.09751",
        ),
        Paper(text="You et al. 2021: LogME", url="https://arxiv.org/abs/2102.11005"),
    ),
    code=(
        "core.techniques.negative_transfer.detection:foreseen",
        "core.techniques.negative_transfer.detection:nearest_neighbours",
        "core.techniques.negative_transfer.sources:renamed",
    ),
    axis=Axis(title="Labelled images of the target", logarithmic=True),
    remark="Negative transfer is harm measured against the same network without the source, at the same number of "
    "target images (Wang et al. 2019, arXiv 1811.09751). Scores of features, such as k-NN and LogME, never see the "
    "head: they can praise features that come with wrong names.",
)
