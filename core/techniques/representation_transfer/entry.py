"""Representation transfer: what the technique is, and what it can be asked. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.papers import CKA
from core.techniques.technique import Arm, Axis, Paper, Quantity, Settings, Technique


@dataclass(frozen=True, kw_only=True)
class RepresentationTransferSettings(Settings):
    """What a learner may change."""

    network: Literal["plain", "residual"] = setting(
        "plain", "Plain layers, H(x), as in the paper, or residual ones, H(x) + x."
    )
    source: Literal["similar", "dissimilar"] = setting(
        "similar", "Task A: the other half of the photographs, or handwritten digits.", title="Task A is"
    )
    per_class: int = setting(
        30, "Training pictures of each class of task B; task A has 60.", 5, 60, title="Images per class"
    )
    epochs: int = setting(30, "How often every network sees its training pictures.", 1, 60)


TECHNIQUE = Technique(
    name="representation-transfer",
    title="Representation transfer",
    question="Which layers of a network are general, and which belong to the task it learned?",
    gist=(
        "Train a network on task A, copy its first n layers into a new network, and train the rest on task B. If "
        "frozen layers cost nothing, what they compute is general. The same with layers from B itself shows what is "
        "lost because neighbouring layers were torn apart, not because the task was another."
    ),
    transferred="features",
    differs="task",
    source="Task A: pieces of six photographs, 16 × 16 pixels; six others for every seed",
    target="Task B: pieces of the six other photographs",
    quantities=(Quantity(name="accuracy", title="Accuracy on task B"),),
    arms=(
        Arm(
            name="AnB+",
            title="From A, trained (AnB+)",
            role="method",
            what="The first n layers come from A; all layers are trained on B.",
        ),
        Arm(
            name="AnB",
            title="From A, frozen (AnB)",
            role="method",
            what="The first n layers come from A and stay frozen; the rest is trained on B.",
        ),
        Arm(
            name="base",
            title="From scratch",
            role="baseline",
            what="Trained on B from random weights, nothing copied; the same at every n.",
        ),
        Arm(
            name="BnB+",
            title="From B, trained (BnB+)",
            role="baseline",
            what="The first n layers come from the network trained on B; all layers are trained on B once more.",
        ),
        Arm(
            name="BnB",
            title="From B, frozen (BnB)",
            role="baseline",
            what="The first n layers come from the network trained on B and stay frozen; the rest is trained anew.",
        ),
        Arm(
            name="random",
            title="Random, frozen",
            role="control",
            what="The first n layers keep random weights; the rest is trained on B.",
        ),
    ),
    verdict=("AnB+", "base"),
    settings=RepresentationTransferSettings,
    papers=(
        Paper(
            text="How transferable are features: Yosinski et al. 2014, arXiv 1411.1792",
            url="https://arxiv.org/abs/1411.1792",
        ),
        Paper(text="Stitching: Bansal et al. 2021, arXiv 2106.07682", url="https://arxiv.org/abs/2106.07682"),
        CKA,
    ),
    code=(
        "core.techniques.representation_transfer.network:copy_layers",
        "core.techniques.representation_transfer.network:train",
        "core.techniques.representation_transfer.network:stitch",
    ),
    axis=Axis(title="Layers copied, n"),
    remark=(
        "The paper's network has eight layers and half of ImageNet for each task (arXiv 1411.1792); this one has five, "
        "and task B has few pictures. BnB+ was trained on B twice as long: only what AnB+ gains beyond it comes from "
        "task A and not from longer training."
    ),
)
