"""Arms and quantities that experiments on two domains of digits share. Torch-free."""

from core.techniques.technique import Arm, Quantity

ACCURACY = Quantity(name="accuracy", title="Accuracy on the target")
TOLD_APART = Quantity(
    name="told_apart", title="Domains told apart from features (50 %: not at all)", higher_is_better=False
)
SOURCE_ONLY = Arm(name="source", title="Source only", role="baseline", what="Trained on the source alone.")
TARGET_LABELS = Arm(
    name="target",
    title="Trained on target labels",
    role="control",
    what="What the same network reaches with the labels that the others must do without.",
)
