"""The built-in backbone with one block damaged: how much each of them matters to a task it was never trained on."""

import numpy as np
from torch import Tensor

from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.events import Note, Progress
from core.interpretation import specimen
from core.metrics.classification import wilson
from core.metrics.report import Interval
from core.techniques.events import Colour, Line, Lines, Panel
from core.techniques.residual_learning.anatomy import Damage, Passage, block_names, walk
from core.techniques.runner import Events
from core.training import probe

BUILT_IN, PATCHES, PER_CLASS, PATCHES_SIDE = "tiny_resnet18", "everyday-patches", 20, 32
PATCHES_TESTED = 200


def damaged() -> Events:
    """The built-in backbone: the size of every block's change, and accuracy without it."""
    yield Progress(done=0.0, phase="The built-in backbone, block by block")
    network = specimen.pretrained(BUILT_IN)
    parts = split(open_dataset(PATCHES, side=PATCHES_SIDE), per_class=PER_CLASS, seed=0)
    test = parts.test.subset(np.random.default_rng(0).permutation(len(parts.test))[:PATCHES_TESTED])
    *_, known = walk(network.backbone, network.input(parts.train.images))
    assert isinstance(known, Tensor)
    for event in probe.fit(known.double().numpy(), parts.train.labels, images=len(known), seed=0):
        yield Progress(done=1 / 7, phase="A classifier on the whole backbone")
        classifier = event
    assert isinstance(classifier, probe.Probe)
    images = network.input(test.images)

    def right(block: str, damage: Damage) -> Interval:
        *_, vectors = walk(network.backbone, images, block, damage)
        assert isinstance(vectors, Tensor)
        scores = vectors.double().numpy() @ classifier.weight.T + classifier.bias
        return wilson(int((scores.argmax(axis=1) == test.labels).sum()), len(test))

    passages = [step for step in walk(network.backbone, images) if isinstance(step, Passage)]
    names = block_names(network.backbone)
    intact = right("", "deleted")
    lost: dict[Damage, list[Interval]] = {"deleted": [], "shuffled": []}
    for place, name in enumerate(names):
        for damage, values in lost.items():
            values.append(right(name, damage))
            yield Progress(done=(2 + 5 * place / len(names)) / 7, phase=f"Built-in backbone without {name}")
    x = [float(place) for place in range(1, len(names) + 1)]
    yield Panel(
        name="built-in-sizes",
        title="The built-in backbone: how large is the change H(x)?",
        caption=(
            f"Mean over {len(images)} pictures; at 1 a block adds as much as comes in. The blocks are "
            f"{', '.join(names)}; where a stage begins, the shortcut is itself a small convolution."
        ),
        drawing=Lines(
            x_title="Block, from the input",
            y_title="Size of H(x) / size of the shortcut",
            lines=(
                Line(
                    name="H(x)",
                    colour="ice",
                    x=x,
                    y=[passage.change / passage.shortcut for passage in passages],
                ),
            ),
        ),
    )
    yield Panel(
        name="built-in-damage",
        title="The built-in backbone with one block damaged",
        caption=(
            f"{parts.train.labels.max() + 1} kinds of everyday patches, {len(images)} tested; the classifier was "
            "solved on the whole backbone. Shuffled: the block adds its change to the wrong channels. Bands are 95 % "
            "intervals over the test pictures."
        ),
        drawing=Lines(
            x_title="Damaged block, from the input",
            y_title="Accuracy",
            lines=(
                Line(name="Whole", colour="ice", x=x, y=[intact.value] * len(x), dashed=True),
                _line("H(x) left out", "fire", x, lost["deleted"]),
                _line("H(x) shuffled", "grey", x, lost["shuffled"]),
            ),
            share=True,
        ),
    )
    without = [share.value for share in lost["deleted"]]
    mildest, worst = int(np.argmax(without)), int(np.argmin(without))
    yield Note(
        message=(
            f"Without {names[mildest]} the built-in backbone still gets {100 * without[mildest]:.1f} % of the "
            f"patches right ({100 * intact.value:.1f} % when whole); without {names[worst]}, "
            f"{100 * without[worst]:.1f} %."
        )
    )


def _line(name: str, colour: Colour, x: list[float], shares: list[Interval]) -> Line:
    return Line(
        name=name,
        colour=colour,
        x=x,
        y=[share.value for share in shares],
        low=[share.low for share in shares],
        high=[share.high for share in shares],
    )
