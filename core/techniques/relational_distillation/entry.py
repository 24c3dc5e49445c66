"""Relation-based transfer: how pictures lie to each other, taught to a small network. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.papers import CKA, DISTILLATION
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique

PatchesData = Literal["everyday-patches", "science-patches"]
TeacherStage = Literal["layer2", "layer3", "layer4"]
Relations = Literal["both", "distances", "angles"]


@dataclass(frozen=True, kw_only=True)
class RelationalDistillationSettings(Settings):
    """What the teacher shows, and on how many pictures.

    Stage and strength were chosen on validation images of science-patches, seeds 100 to 102 (5 and 20 labelled images
    of each class, 150 steps), out of layer3 and layer4 and of 0.03, 0.1, 0.3 and 1: 78.7 % right, against 73.0 %
    without a teacher and 75.3 % with layer4 and the paper's weights. Plain distillation's weight was chosen beside it.
    """

    data: PatchesData = setting(
        "science-patches", "The pictures to tell apart; both sets ship with the lab.", title="Pictures"
    )
    relations: Relations = setting(
        "both", "What is handed over: distances of pairs, angles of triplets, or both."
    )
    stage: TeacherStage = setting(
        "layer3",
        "Which of the large network's stages is the teacher; layer4 is the last.",
        title="Teacher's stage",
    )
    unlabelled: int = setting(
        20,
        "Pictures of each class without labels, on which the teacher may be copied, too; 0 means none.",
        0,
        40,
        title="Unlabelled per class",
    )
    strength: float = setting(
        0.1,
        "How strongly the teacher is copied; 1 is the paper's weights, for training far longer than this.",
        0.0,
        10.0,
    )
    steps: int = setting(120, "Training steps of every small network.", 5, 300, title="Training steps")


TECHNIQUE = Technique(
    name="relational-distillation",
    title="Relational distillation",
    question="Can a large network teach a small one by nothing but how pictures lie to each other?",
    gist="The teacher, tiny_resnet18, never says what a picture is. It only shows which pictures are near and which "
    "are far, and the angles between three of them. A small network, a hundredth of the teacher's size, learns the few "
    "labels and is pulled towards the same geometry in its own space.",
    transferred="relations",
    differs="task",
    source="tiny_resnet18's view of the same pictures, which are of the size it learned from",
    target="a small network with a few labelled pictures",
    quantities=(
        Quantity(name="accuracy", title="Accuracy on test images"),
        Quantity(name="likeness", title="Likeness to the teacher (CKA)", share=False),
    ),
    arms=(
        Arm(
            name="relational",
            title="Relations",
            role="method",
            what="Labels, and the teacher's distances and angles (relational knowledge distillation).",
        ),
        Arm(
            name="regression",
            title="Feature by feature",
            role="method",
            what="Labels, and the teacher's features themselves, predicted by a linear layer (plain distillation).",
        ),
        Arm(
            name="alone",
            title="Small network alone",
            role="baseline",
            what="The same small network with the same steps and labels, without a teacher.",
        ),
        Arm(
            name="random",
            title="Untrained teacher",
            role="control",
            what="Relations from a teacher with random weights, which knows nothing but its shape.",
        ),
    ),
    verdict=("relational", "alone"),
    settings=RelationalDistillationSettings,
    papers=(
        Paper(
            text="Park et al. 2019, Relational knowledge distillation, arXiv 1904.05068",
            url="https://arxiv.org/abs/1904.05068",
        ),
        Paper(text="Romero et al. 2015, FitNets, arXiv 1412.6550", url="https://arxiv.org/abs/1412.6550"),
        DISTILLATION,
        CKA,
    ),
    code=(
        "core.techniques.relational_distillation.relations:distance_loss",
        "core.techniques.relational_distillation.relations:angle_loss",
        "core.techniques.relational_distillation.student:train",
    ),
    axis=Axis(title="Labelled images of each class", logarithmic=True),
    remark="A geometry can be copied into a space of another size, where features themselves cannot. A teacher that "
    "knows nothing has a geometry, too, and it does harm: look at the control. Choose everyday-patches, and less is "
    "left to gain: +1.6 points [0.1, 3.1] (measured with this experiment, 150 steps, 5 seeds). The teachers "
    "of Park et al. 2019 had learned the student's own task; this one learned another.",
)
