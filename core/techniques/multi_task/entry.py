"""Multi-task learning: one trunk, two heads; a second task that helps, and one that hurts. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.technique import FEWEST_SEEDS, MOST_SEEDS, Arm, Paper, Quantity, Settings, Technique

Related = Literal["loop", "odd_even", "high_low"]


@dataclass(frozen=True, kw_only=True)
class MultiTaskSettings(Settings):
    """Which second task is the related one, how few labels the first has, and how narrow the shared trunk is."""

    seeds: int = setting(
        10,
        "How often everything is repeated: other digits, places and random weights.",
        FEWEST_SEEDS,
        MOST_SEEDS,
    )
    related: Related = setting(
        "loop",
        "The related task: has the digit a closed loop, is it odd, or is it above four?",
        title="Related task",
    )
    labelled: int = setting(
        200,
        "Pictures whose digit is known; the second task's answer is known for 1,200.",
        20,
        1200,
        title="Labelled digits",
    )
    width: int = setting(
        16,
        "Units in each layer of the trunk that both tasks share: room for two?",
        4,
        128,
        title="Width of the trunk",
    )
    weight: float = setting(
        1.0, "How much the second task counts beside the first.", 0.0, 10.0, title="Weight of task two"
    )
    surgery: bool = setting(
        False,
        "Take the part out of each task's gradient that works against the other (PCGrad).",
        title="Gradient surgery",
    )


TECHNIQUE = Technique(
    name="multi-task",
    title="Multi-task learning",
    question="Does a network recognise digits better if it has to answer a second question about each picture?",
    gist=(
        "Two tasks share all layers but the last: a trunk with two heads. What one task teaches the trunk, the other "
        "may use. If both pull the trunk the same way, the task with few labels gains; if they pull against each "
        "other, or there is too little room for both, it loses."
    ),
    transferred="features",
    differs="task",
    source="a second question about the same pictures, with many answers known",
    target="which digit is it, with few answers known; digits stand at nine places of the picture",
    quantities=(Quantity(name="accuracy", title="Accuracy on digits"),),
    arms=(
        Arm(
            name="related",
            title="With a related task",
            role="method",
            what="The second question is about the digit's shape: has it a closed loop (or as set)?",
        ),
        Arm(
            name="rival",
            title="With a rival task",
            role="method",
            what="The second question is where the digit stands, which the first had better ignore.",
        ),
        Arm(
            name="single",
            title="Digits alone",
            role="baseline",
            what="The same network, pictures and steps, and no second question.",
        ),
        Arm(
            name="shuffled",
            title="Shuffled second labels",
            role="control",
            what="The related task with its answers dealt out at random: as much work, nothing to learn.",
        ),
    ),
    verdict=("related", "single"),
    settings=MultiTaskSettings,
    papers=(
        Paper(text="Caruana 1997, Machine Learning 28", url="https://doi.org/10.1023/A:1007379606734"),
        Paper(
            text="Rueckl et al. 1989, J. Cognitive Neuroscience 1(2)",
            url="https://doi.org/10.1162/jocn.1989.1.2.171",
        ),
        Paper(text="Yu et al. 2020, NeurIPS (PCGrad)", url="https://arxiv.org/abs/2001.06782"),
        Paper(text="Du et al. 2018 (gradient similarity)", url="https://arxiv.org/abs/1812.02224"),
    ),
    code=(
        "core.techniques.multi_task.network:TwoHeads",
        "core.techniques.multi_task.gradients:cosine",
        "core.techniques.multi_task.gradients:without_conflict",
    ),
    remark=(
        "What and where are the classic pair of rivals: Rueckl, Cave and Kosslyn (1989) found that a network learns "
        "both more easily when its parts do not share them. Conflicting gradients are not the whole story: with the "
        "conflict taken out (surgery), the rival still cost 4.3 points [2.1, 6.5] here, and 4.0 [1.1, 6.9] without "
        "surgery (ten seeds, otherwise the usual settings)."
    ),
)
