"""How transferable are features in deep neural networks? The published curves, as numbers. Torch-free.

Yosinski, Clune, Bengio & Lipson, NIPS 2014 (arXiv 1411.1792). Computed from the authors' own training logs
(github.com/yosinski/convnet_transfer, ``results/``) the way their notebook does: the mean of the ten best
validation points of a run, then of the runs. An AlexNet-like plain network; ImageNet cut into two halves A and
B of 500 classes each; the first n layers are copied into a new network, which is then trained on B.
"""

from dataclasses import dataclass

SOURCE = "Yosinski et al. 2014, arXiv 1411.1792, from the authors' logs"
LAYERS = (1, 2, 3, 4, 5, 6, 7)
BASE = 0.6251  # trained on B from scratch: mean of the similar halves


@dataclass(frozen=True, kw_only=True)
class PublishedCurve:
    """Top-1 accuracy (0-1) on half B by the number n of layers copied. ``about`` says what was done."""

    name: str
    about: str
    layers: tuple[int, ...]
    accuracy: tuple[float, ...]
    transferred: bool  # from A to B; False: from B to B, the control
    fine_tuned: bool  # the copied layers learned on; False: they stayed frozen


CURVES = (
    PublishedCurve(
        name="BnB",
        about="copied from the same task, frozen",
        layers=LAYERS,
        accuracy=(0.627, 0.624, 0.621, 0.605, 0.594, 0.619, 0.623),
        transferred=False,
        fine_tuned=False,
    ),
    PublishedCurve(
        name="BnB+",
        about="copied from the same task, fine-tuned",
        layers=LAYERS,
        accuracy=(0.618, 0.622, 0.631, 0.629, 0.630, 0.628, 0.627),
        transferred=False,
        fine_tuned=True,
    ),
    PublishedCurve(
        name="AnB",
        about="transferred, frozen",
        layers=LAYERS,
        accuracy=(0.628, 0.624, 0.619, 0.600, 0.578, 0.581, 0.543),
        transferred=True,
        fine_tuned=False,
    ),
    PublishedCurve(
        name="AnB+",
        about="transferred, fine-tuned",
        layers=LAYERS,
        accuracy=(0.637, 0.636, 0.643, 0.640, 0.645, 0.646, 0.647),
        transferred=True,
        fine_tuned=True,
    ),
)


# Halves that differ: trained on one of man-made and natural things, transferred frozen to the other. Ends only.
DISSIMILAR = (
    PublishedCurve(
        name="to natural things",
        about="transferred from man-made things, frozen",
        layers=(0, 7),
        accuracy=(0.653, 0.399),
        transferred=True,
        fine_tuned=False,
    ),
    PublishedCurve(
        name="to man-made things",
        about="transferred from natural things, frozen",
        layers=(0, 7),
        accuracy=(0.537, 0.291),
        transferred=True,
        fine_tuned=False,
    ),
)
