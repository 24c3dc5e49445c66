"""Zero-shot recognition: classes known by a description alone. Torch-free."""

from dataclasses import dataclass
from typing import ClassVar

from core.techniques.technique import Arm, Paper, Quantity, Settings, Technique
from core.training.config import setting


@dataclass(frozen=True, kw_only=True)
class ZeroShotSettings(Settings):
    """How many digits stay hidden, and how many pictures of the others are known."""

    seeds: int = setting(
        20, "How often everything is repeated: other digits are hidden, other pictures known."
    )
    unseen: int = setting(3, "Digits of which no picture is shown, only their strokes are told.")
    per_class: int = setting(100, "Pictures of each of the other digits.")

    LIMITS: ClassVar[tuple[tuple[str, float, float], ...]] = (("unseen", 2, 5), ("per_class", 5, 120))


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
        Arm(
            name="eszsl",
            title="ESZSL",
            role="method",
            what="One matrix between picture and description, solved for in closed form.",
        ),
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
        Paper(
            text="Lampert et al. 2014, IEEE TPAMI 36(3) (DAP)", url="https://doi.org/10.1109/TPAMI.2013.140"
        ),
        Paper(
            text="Romera-Paredes & Torr 2015, ICML (ESZSL)",
            url="https://proceedings.mlr.press/v37/romera-paredes15.html",
        ),
        Paper(text="Chao et al. 2016, ECCV (generalised zero-shot)", url="https://arxiv.org/abs/1605.04253"),
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
)
