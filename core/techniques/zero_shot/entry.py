"""Zero-shot recognition: classes known by a description alone. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.technique import FEWEST_SEEDS, MOST_SEEDS, Arm, Paper, Quantity, Settings, Technique

_WHICH = (
    "Digits described by their strokes, or 17 animals described by their attributes. The animals are fetched when you "
    "run them first: CIFAR-100 (169 MB) and AwA2's attributes (32 kB)."
)


@dataclass(frozen=True, kw_only=True)
class ZeroShotSettings(Settings):
    """How many digits stay hidden, and how many pictures of the others are known."""

    pictures: Literal["digits"] = setting("digits", _WHICH)
    seeds: int = setting(
        20,
        "How often everything is repeated: other digits are hidden, other pictures known.",
        FEWEST_SEEDS,
        MOST_SEEDS,
    )
    unseen: int = setting(3, "Digits of which no picture is shown, only their strokes are told.", 2, 5)
    per_class: int = setting(100, "Pictures of each of the other digits.", 5, 120)


@dataclass(frozen=True, kw_only=True)
class AnimalSettings(Settings):
    """How many animals stay hidden, and how many pictures of the others are known."""

    pictures: Literal["animals"] = setting("animals", _WHICH)
    seeds: int = setting(
        10, "How often other animals are hidden; the pictures stay the same.", FEWEST_SEEDS, MOST_SEEDS
    )
    unseen: int = setting(5, "Animals of which no picture is shown, only their attributes are told.", 2, 10)
    per_class: int = setting(120, "Pictures of each of the other animals.", 20, 250)


_LAMPERT = Paper(
    text="Lampert et al. 2014, IEEE TPAMI 36(3) (DAP)", url="https://doi.org/10.1109/TPAMI.2013.140"
)
_ROMERA_PAREDES = Paper(
    text="Romera-Paredes & Torr 2015, ICML (ESZSL)",
    url="https://proceedings.mlr.press/v37/romera-paredes15.html",
)
_CHAO = Paper(text="Chao et al. 2016, ECCV (generalised zero-shot)", url="https://arxiv.org/abs/1605.04253")

_ESZSL = Arm(
    name="eszsl",
    title="ESZSL",
    role="method",
    what="One matrix between picture and description, solved for in closed form.",
)

ANIMALS = Technique(
    name="zero-shot",
    title="Zero-shot recognition",
    question="Can an animal be recognised by a description of what it is like, if no picture of it was ever shown?",
    gist=(
        "People described animals by 85 attributes: furry, has hooves, swims. From small photographs of some animals, "
        "and what is true of those, each attribute is tied to what a pretrained network sees. An animal that was never "
        "shown is then recognised as the one whose description fits best."
    ),
    transferred="features",
    differs="labels",
    source="pictures of some of 17 animals (CIFAR-100), and the attributes of each (AwA2)",
    target="pictures of the other animals, of which only the attributes are known",
    quantities=(
        Quantity(name="unseen", title="Unseen animals, told from each other"),
        Quantity(name="open", title="Unseen animals, all 17 allowed"),
        Quantity(name="seen", title="Seen animals, all 17 allowed"),
    ),
    arms=(
        _ESZSL,
        Arm(
            name="dap",
            title="DAP",
            role="method",
            what="One detector for each of 85 attributes, each there or not; then Bayes' rule.",
        ),
        Arm(
            name="guess",
            title="Guess",
            role="baseline",
            what="Without pictures or description: any of the allowed animals, each as likely.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled descriptions",
            role="control",
            what="ESZSL, but every animal has the description of one drawn at random.",
        ),
    ),
    verdict=("eszsl", "guess"),
    settings=AnimalSettings,
    papers=(
        _LAMPERT,
        _ROMERA_PAREDES,
        Paper(
            text="Xian et al. 2018, IEEE TPAMI 41(9) (AwA2, and a fair comparison)",
            url="https://arxiv.org/abs/1707.00600",
        ),
        _CHAO,
    ),
    code=(
        "core.techniques.zero_shot.dap:class_scores",
        "core.techniques.zero_shot.eszsl:solve",
        "core.techniques.zero_shot.calibration:handicapped",
    ),
    remark=(
        "“Never shown” holds for DAP and ESZSL, not for the network beneath them: it (tiny_resnet18, for the "
        "pictures have 32 pixels) learned from photographs of 200 things, some of these animals among them. That was "
        "usual before Xian et al. 2018 (arXiv 1707.00600) objected; "
        "with animals that the network has not met either, expect less."
    ),
    switch="pictures",
    module="animals",
    download=(
        "Fetched when you run it first, and kept: CIFAR-100 (169 MB, University of Toronto) and AwA2's attributes "
        "(32 kB, Institute of Science and Technology Austria)."
    ),
)

TECHNIQUE = Technique(
    name="zero-shot",
    title="Zero-shot recognition",
    question="Can a digit be recognised by a description of its strokes, if no picture of it was ever shown?",
    gist=(
        "Every digit is described by the strokes that a seven-segment display would light. From pictures of some "
        "digits, detectors of strokes are learned. A digit that was never shown is then recognised as the one whose "
        "description fits the detected strokes best."
    ),
    transferred="features",
    differs="labels",
    source="pictures of some of the ten digits, and the strokes of each",
    target="pictures of the other digits, of which only the strokes are known",
    quantities=(
        Quantity(name="unseen", title="Unseen digits, told from each other"),
        Quantity(name="open", title="Unseen digits, all ten allowed"),
        Quantity(name="seen", title="Seen digits, all ten allowed"),
    ),
    arms=(
        Arm(
            name="dap",
            title="DAP, at each stroke",
            role="method",
            what="One detector for each stroke, which looks only at the place of its stroke; then Bayes' rule.",
        ),
        Arm(
            name="dap-whole",
            title="DAP, whole picture",
            role="method",
            what="The same, but every detector sees all places, and may take the digit for the stroke.",
        ),
        _ESZSL,
        Arm(
            name="drawing",
            title="Compare with a drawing",
            role="baseline",
            what="The described strokes are drawn and laid over the picture; nothing is learned.",
        ),
        Arm(
            name="guess",
            title="Guess",
            role="baseline",
            what="Without pictures or description: any of the allowed digits, each as likely.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled descriptions",
            role="control",
            what="DAP at each stroke, but every digit has another digit's description.",
        ),
    ),
    verdict=("dap", "guess"),
    settings=ZeroShotSettings,
    papers=(
        _LAMPERT,
        _ROMERA_PAREDES,
        _CHAO,
        Paper(
            text="Jayaraman et al. 2014, CVPR (attributes that share no features)",
            url="https://vision.cs.utexas.edu/projects/resistshare/",
        ),
    ),
    code=(
        "core.techniques.zero_shot.dap:class_scores",
        "core.techniques.zero_shot.eszsl:solve",
        "core.techniques.zero_shot.calibration:handicapped",
    ),
    remark=(
        "Where all ten digits are allowed, pictures of unseen digits are often taken for seen ones: the bias of "
        "generalised zero-shot learning (Chao et al. 2016). Few classes are few examples of a stroke: a detector that "
        "sees the whole picture easily learns which digits it saw instead of the stroke (Jayaraman et al. 2014)."
    ),
    variants=(ANIMALS,),
    switch="pictures",
)
