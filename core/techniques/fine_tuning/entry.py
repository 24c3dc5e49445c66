"""Fine-tuning: the engine's strategies side by side, on plain test pictures and on shifted ones. Torch-free."""

from dataclasses import dataclass
from typing import Literal

from core.settings import setting
from core.techniques.technique import Arm, BuiltInData, Paper, Quantity, Role, Settings, Technique
from core.training.config import STRATEGIES

Shift = Literal["blur", "noise", "colour"]

_TITLES: dict[str, str] = {
    "freeze_to_depth": "Half frozen",
    "lp_ft": "Probe, then fine-tune",
    "surgical": "First block only",
    "scratch_statistics": "Scratch, same scales",
}
_ROLES: dict[str, Role] = {"scratch": "baseline", "scratch_statistics": "control"}


@dataclass(frozen=True, kw_only=True)
class FineTuningSettings(Settings):
    """What is learned, from how much, and how the second test set differs."""

    data: BuiltInData = setting(
        "everyday-patches", "The pictures to learn; all six sets ship with the lab.", title="Pictures"
    )
    per_class: int = setting(5, "Labelled images of each class.", 2, 20, title="Images per class")
    epochs: int = setting(6, "How often every strategy sees them; a linear probe is solved at once.", 1, 20)
    shift: Shift = setting(
        "noise",
        "Which change of the test pictures, and of them alone, counts: blur, noise, or warm light.",
        title="Shift of the test",
    )
    severity: int = setting(3, "How much they are changed, from 1 to 5.", 1, 5)


TECHNIQUE = Technique(
    name="fine-tuning",
    title="Fine-tuning",
    question="Which part of a pretrained network should learn, and which way survives when pictures change afterwards?",
    gist="All eight ways start from the same few images with the same number of epochs: six from the pretrained "
    "network, two from random weights. Each network is tested on pictures like those it learned "
    "from, and on the same pictures with noise, blur or another light, which it never saw.",
    transferred="parameters",
    differs="task",
    source="200 classes of everyday photographs, learned by tiny_resnet18, which is small enough for eight trainings",
    target="a few labelled pictures of other things",
    quantities=(
        Quantity(name="accuracy", title="Accuracy on test images"),
        Quantity(name="shifted", title="Accuracy on shifted test images"),
    ),
    arms=tuple(
        Arm(
            name=name,
            title=_TITLES.get(name, entry.title),
            role=_ROLES.get(name, "method"),
            what=entry.what,
        )
        for name, entry in STRATEGIES.items()
    ),
    verdict=("full", "scratch"),
    settings=FineTuningSettings,
    papers=(
        Paper(text="Kumar et al. 2022, LP-FT, arXiv 2202.10054", url="https://arxiv.org/abs/2202.10054"),
        Paper(
            text="Lee et al. 2022, surgical fine-tuning, arXiv 2210.11466",
            url="https://arxiv.org/abs/2210.11466",
        ),
        Paper(
            text="Howard & Ruder 2018, gradual unfreezing, arXiv 1801.06146",
            url="https://arxiv.org/abs/1801.06146",
        ),
        Paper(
            text="Raghu et al. 2019, matched statistics, arXiv 1902.07208",
            url="https://arxiv.org/abs/1902.07208",
        ),
        Paper(
            text="Hendrycks & Dietterich 2019, corruptions, arXiv 1903.12261",
            url="https://arxiv.org/abs/1903.12261",
        ),
    ),
    code=(
        "core.training.strategies:frozen_in_epoch",
        "core.training.strategies:match_statistics",
        "core.techniques.fine_tuning.shifts:shifted",
    ),
    remark="Kumar et al. 2022 found full fine-tuning 2 points better than a probe on pictures like the training's and "
    "7 points worse on others (arXiv 2202.10054). Lee et al. 2022 train the first block on corrupted pictures (arXiv "
    "2210.11466); here nobody sees the shift in training, which is harder.",
)
