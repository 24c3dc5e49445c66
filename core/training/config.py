"""Every setting of a run, with its help text, its limits and its default per strategy. Torch-free."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core import errors
from core.backbones import catalogue
from core.settings import check, setting

Strategy = Literal[
    "linear_probe", "freeze_to_depth", "full", "lp_ft", "gradual", "surgical", "scratch", "scratch_statistics"
]


Statistics = Literal["recomputed", "running"]
BatchNormMode = Literal["frozen", "learning"]  # of frozen stages


@dataclass(frozen=True, kw_only=True)
class StrategyEntry:
    """A way to transfer: its name on screen, what it does in one sentence, its source, its defaults."""

    title: str
    what: str
    citation: str
    epochs: int
    learning_rate: float  # AdamW, batch 32
    views: int  # augmented views per image; 1 means the plain image alone
    stage_decay: float = 1.0
    pretrained: bool = True


# Rates were measured with tiny_resnet18 on 200 images of CIFAR-10, digits and textures and all of hymenoptera (10
# epochs, seed 0, with running BatchNorm statistics). In runs as short as these, the plain image did as well as four
# augmented views or better (full fine-tuning, three seeds: digits 97.8 against 95.3 %, textures 59.1 against 57.6 %):
# a mirrored digit is no digit, and crops need more epochs to pay. Longer runs may gain by views.
STRATEGIES: dict[str, StrategyEntry] = {
    "linear_probe": StrategyEntry(
        title="Linear probe",
        what="Every stage stays frozen; only a linear classifier on its features is fitted, to convergence.",
        citation="Alain & Bengio 2016, arXiv 1610.01644",
        epochs=1,
        learning_rate=0.0,
        views=1,
    ),
    "freeze_to_depth": StrategyEntry(
        title="Freeze to depth k",
        what="The first k stages stay frozen; the rest and a new head are trained.",
        citation="Yosinski et al. 2014, arXiv 1411.1792",
        epochs=10,
        learning_rate=1e-3,
        views=1,
    ),
    "full": StrategyEntry(
        title="Full fine-tuning",
        what="Everything is trained, gently, starting from the pretrained weights.",
        citation="Girshick et al. 2014, arXiv 1311.2524",
        epochs=10,
        learning_rate=1e-3,
        views=1,
    ),
    "lp_ft": StrategyEntry(
        title="Probe, then fine-tune (LP-FT)",
        what="First a linear probe, then fine-tuning from that head, so that features are not distorted.",
        citation="Kumar et al. 2022, arXiv 2202.10054",
        epochs=10,
        learning_rate=3e-4,
        views=1,
    ),
    "gradual": StrategyEntry(
        title="Gradual unfreezing",
        what="Training starts with the head; one more stage thaws at a time, from the last to the first.",
        citation="Howard & Ruder 2018, arXiv 1801.06146",
        epochs=12,
        learning_rate=1e-3,
        views=1,
    ),
    "surgical": StrategyEntry(
        title="First block only (surgical)",
        what="Only the first stage and the head are trained; it suits pictures whose surface changed.",
        citation="Lee et al. 2022, arXiv 2210.11466",
        epochs=10,
        learning_rate=5e-3,
        views=1,
    ),
    "scratch": StrategyEntry(
        title="From scratch",
        what="The same network with random weights and the same budget: the control that shows what transfer gave.",
        citation="He et al. 2019, arXiv 1811.08883",
        epochs=10,
        learning_rate=1e-3,
        views=1,
        pretrained=False,
    ),
    "scratch_statistics": StrategyEntry(
        title="From scratch, matched statistics",
        what="Random weights with the pretrained mean and variance per layer: scale without features.",
        citation="Raghu et al. 2019, arXiv 1902.07208",
        epochs=10,
        learning_rate=1e-3,
        views=1,
        pretrained=False,
    ),
}


# Other optimisers' rates, as a multiple of AdamW's. Nesterov's SGD and RMSprop come close to AdamW with them
# (full fine-tuning on 200 images of CIFAR-10: AdamW 56.2, SGD 53.5 at 10 x and 54.5 at 30 x, RMSprop 56.2 %).
RATE_FACTORS = {"adamw": 1.0, "sgd": 10.0, "rmsprop": 0.3}


STATISTICS_HELP = (
    "What BatchNorm of trained stages normalises by when it is tested: averages over the training images, recomputed "
    "after training, or those that run along in training and lag behind in short runs."
)


def check_device(name: str) -> None:
    """Raise `OutOfRange` unless ``name`` can be a device; whether this machine has it, `precision` says."""
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,4})?", name):
        raise errors.OutOfRange(
            "device",
            "must be auto, cpu, cuda, or one GPU by its number, as in cuda:0; "
            f"{errors.shortened(repr(name))} is none of them.",
        )


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """One run. ``None`` means "the strategy's or the backbone's default"; `resolved` fills those in."""

    kind: ClassVar[str] = "finetune"
    what: ClassVar[str] = "a single run"

    backbone: str = setting(
        catalogue.DEFAULT, "The pretrained network that the run starts from.", title="Network"
    )
    weights: str = setting("pretrained", "'pretrained', or the path of a local .safetensors or .pth file.")
    strategy: Strategy = setting("freeze_to_depth", "Which part of the network learns, and in which order.")
    freeze_depth: int | None = setting(
        None,
        "How many stages stay frozen, from the input: 0 trains all, the largest value is a linear probe.",
        title="Frozen stages",
    )
    batch_norm: BatchNormMode = setting(
        "frozen",
        "'frozen' keeps BatchNorm statistics of frozen stages; 'learning' lets them drift, as much software does.",
        title="Frozen BatchNorm",
    )
    statistics: Statistics = setting("recomputed", STATISTICS_HELP, title="BatchNorm is tested with")
    head: Literal["linear", "mlp"] = setting(
        "linear", "A linear classifier, or one hidden layer with dropout ('Dense 256')."
    )
    head_width: int = setting(256, "Hidden units of the MLP head.", 1, 4096, title="Hidden units")
    head_dropout: float = setting(
        0.5, "Share of hidden units that the MLP head drops while training.", 0, 0.95, title="Dropout"
    )
    per_class: int | None = setting(
        None,
        "Training images per class; empty means all.",
        1,
        1_000_000,
        title="Training pictures of each class",
    )
    epochs: int | None = setting(None, "How often the training images are seen.", 1, 1000)
    batch_size: int = setting(32, "Images per step.", 1, 4096)
    image_size: int | None = setting(None, "Side of the square that the network sees, in pixels.", 16, 1024)
    optimiser: Literal["adamw", "sgd", "rmsprop"] = setting("adamw", "How gradients become steps.")
    learning_rate: float | None = setting(
        None, "Peak step size; it warms up, then falls along a cosine.", 0, 10
    )
    warm_up: float = setting(
        0.1, "Share of the steps during which the learning rate rises.", 0, 0.9, title="Warm-up"
    )
    stage_decay: float | None = setting(
        None,
        "Factor by which the learning rate shrinks for each stage further from the head; 1 means none.",
        0.01,
        1,
        title="Rate decay per stage",
    )
    weight_decay: float = setting(1e-2, "Pull of all trained weights towards zero.", 0, 1)
    l2_sp: float = setting(
        0.0,
        "Pull of trained weights towards their pretrained values (L2-SP, arXiv 1802.01483).",
        0,
        10,
        title="L2-SP",
    )
    label_smoothing: float = setting(0.0, "Share of the target given to the other classes.", 0, 0.9)
    mixup: float = setting(0.0, "Beta parameter of mixup (arXiv 1710.09412); 0 means none.", 0, 10)
    views: int | None = setting(
        None,
        "Augmented views per image, cached once; 1 means the plain image alone, 0 a fresh crop every epoch.",
        0,
        64,
        title="Views per picture",
    )
    cache: bool = setting(
        True, "Run the frozen stages once per view instead of once per epoch.", title="Cache features"
    )
    patience: int | None = setting(
        None,
        "Stop after this many epochs without a better validation accuracy; empty means never.",
        1,
        1000,
        title="Stop early after",
    )
    seed: int = setting(0, "Decides splits, head, order and crops.", 0, 2**31 - 1)
    device: str = setting("auto", "'auto', 'cpu', 'cuda', or one GPU by its number: 'cuda:0'.")

    def __post_init__(self) -> None:
        check(self)
        check_device(self.device)
        if self.strategy in ("linear_probe", "lp_ft") and self.head != "linear":
            raise errors.SettingsError(
                f"{STRATEGIES[self.strategy].title} solves for a linear head; for an MLP head, choose "
                "'freeze_to_depth' and freeze every stage."
            )
        if self.strategy == "linear_probe" and (self.batch_norm == "learning" or self.views == 0):
            raise errors.SettingsError(
                "A linear probe is solved once, on features that stay as they are; for BatchNorm that learns or "
                "fresh crops in every epoch, choose 'freeze_to_depth' and freeze every stage."
            )

    def to_json(self) -> dict[str, Any]:
        """All settings as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "FinetuneConfig":
        """Rebuild a configuration, one from before a setting existed, too; an unknown setting is a `SettingsError`."""
        known = {one.name for one in dataclasses.fields(cls)}
        for name in values:
            errors.one_of("A setting", name, sorted(known))
        return cls(**(_BEFORE | values))

    def resolved(self, *, stages: int, image_size: int) -> "FinetuneConfig":
        """Fill every ``None`` but ``per_class`` and ``patience`` for a backbone of ``stages`` stages.

        The freeze depth is the strategy's where it defines one (linear probe: all; full, gradual, surgical,
        scratch: 0); for LP-FT it defaults to 0, for freeze-to-depth to half of the stages, rounded up.
        """
        entry = STRATEGIES[self.strategy]
        fixed = {
            "linear_probe": stages,
            "freeze_to_depth": self.freeze_depth,
            "lp_ft": self.freeze_depth or 0,
        }.get(self.strategy, 0)
        depth = (stages + 1) // 2 if fixed is None else fixed
        errors.within("freeze depth", depth, 0, stages, why=f"{self.backbone} has {stages} stages")
        return dataclasses.replace(
            self,
            freeze_depth=depth,
            epochs=entry.epochs if self.epochs is None else self.epochs,
            image_size=image_size if self.image_size is None else self.image_size,
            learning_rate=entry.learning_rate * RATE_FACTORS[self.optimiser]
            if self.learning_rate is None
            else self.learning_rate,
            stage_decay=entry.stage_decay if self.stage_decay is None else self.stage_decay,
            views=entry.views if self.views is None else self.views,
        )


# What held before a setting existed, for runs that were stored then.
_BEFORE: dict[str, Any] = {"statistics": "running"}
