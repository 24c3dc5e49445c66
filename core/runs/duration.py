"""How long a run takes: passes through its network, counted from settings and pictures before it begins. Torch-free.

What comes out are seconds on the machine that measured `core/advice/measured/networks.json`. How much slower or
quicker this one is, its own finished runs say (`core.runs.store.forecast`).
"""

from dataclasses import dataclass
from functools import cache

from core.advice import choosing
from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.datasets import catalogue as datasets
from core.runs.spec import RunSpec
from core.techniques.config import ExperimentConfig
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig, epochs_for

OVERHEAD_SECONDS = 3.0  # reading pictures, hashes before and after, writing the result
# Gradients of inputs and of weights each cost about what the pass forward does.
_WITH_GRADIENTS = 3.0
_TEST_SHARE, _VALIDATION_SHARE = 0.25, 0.2  # as `core.datasets.splits.split` draws them


@dataclass(frozen=True, kw_only=True)
class PictureCount:
    """How many pictures a data set has in all, and of how many classes."""

    images: int
    classes: int


@dataclass(frozen=True, kw_only=True)
class _Parts:
    train: float
    validation: float
    test: float

    @property
    def whole(self) -> float:
        return self.train + self.validation + self.test


def pictures_of(data: str) -> PictureCount | None:
    """Look a data set of the catalogue up; None for an upload, which only whoever has read it can count."""
    entry = datasets.DATASETS.get(data)
    return None if entry is None else PictureCount(images=entry.images, classes=entry.classes)


def expected(spec: RunSpec, pictures: PictureCount | None = None) -> float | None:
    """Expect how many seconds a run takes on the machine that measured; None where nobody can say.

    ``pictures`` count an upload's; those of the catalogue's sets are known.
    """
    config = spec.config
    if isinstance(config, ExperimentConfig):
        return _experiment(config)
    pictures = pictures or pictures_of(spec.data)
    if pictures is None or not isinstance(config, FinetuneConfig | SweepConfig):
        return None
    entry = catalogue.entry(config.backbone)
    side = entry.finetune_size if config.image_size is None else config.image_size
    parts = _parts(pictures, config.per_class)
    passes = (
        _finetuning(config, entry, parts)
        if isinstance(config, FinetuneConfig)
        else _sweep(config, entry, parts)
    )
    return OVERHEAD_SECONDS + passes * _pass_seconds(entry, side)


def _experiment(config: ExperimentConfig) -> float | None:
    from core.techniques.measured import measured  # SciPy's statistics take a while

    found = measured(config.technique)
    if found is None:
        return None
    seeds = getattr(found.settings, "seeds", 0)
    return found.seconds * config.settings.seeds / seeds if seeds else found.seconds


def _parts(pictures: PictureCount, per_class: int | None) -> _Parts:
    each = pictures.images / pictures.classes
    rest = (1 - _TEST_SHARE) * each
    validation = min(_VALIDATION_SHARE * rest, per_class or each)
    return _Parts(
        train=pictures.classes * min(per_class or each, rest - validation),
        validation=pictures.classes * validation,
        test=pictures.classes * _TEST_SHARE * each,
    )


def _finetuning(config: FinetuneConfig, entry: BackboneEntry, parts: _Parts) -> float:
    """Count passes through the whole network: frozen stages once, the others forward and back in every epoch."""
    run = config.resolved(stages=entry.depth, image_size=entry.finetune_size)
    depth, views = run.freeze_depth or 0, run.views or 0
    if run.strategy == "linear_probe":
        return max(1, views) * parts.train + parts.validation + parts.test
    if run.strategy == "gradual":  # one stage more thaws at a time: half of them on average
        depth = entry.depth // 2
    frozen = _share(entry, depth)
    once = run.cache and views > 0
    times = 1 if once else run.epochs or 1
    prefix = times * (max(1, views) * parts.train + parts.validation) * frozen
    learning = (run.epochs or 1) * (_WITH_GRADIENTS * parts.train + parts.validation) * (1 - frozen)
    return prefix + learning + parts.test


def _sweep(config: SweepConfig, entry: BackboneEntry, parts: _Parts) -> float:
    """Count passes: all stages once over all pictures that any seed draws, then every depth with every seed."""
    epochs = config.epochs or epochs_for(max(1, round(parts.train)))
    drawn = min(parts.whole - parts.test, config.seeds * parts.train)
    behind = [1 - _share(entry, depth) for depth in range(entry.depth)]
    arms = sum(behind) + (behind[0] if config.lp_ft else 0.0)
    return drawn + parts.test + config.seeds * arms * (epochs * _WITH_GRADIENTS * parts.train + parts.test)


def _share(entry: BackboneEntry, depth: int) -> float:
    """Estimate the share of a pass that the first ``depth`` stages take: weights times places that use them."""
    costs = [stage.parameters / stage.reduction**2 for stage in entry.stages]
    return sum(costs[:depth]) / sum(costs)


def _pass_seconds(entry: BackboneEntry, side: int) -> float:
    """Expect what one picture of ``side`` pixels takes to pass through a network."""
    milliseconds, sides = _measured()
    area = (side / entry.image_size) ** 2
    if entry.name in milliseconds:
        return milliseconds[entry.name] / 1000 * (side / sides[entry.name]) ** 2
    # Of a network that nobody measured, by its multiply-adds: what most of the measured ones need for one.
    known = sorted(
        milliseconds[name] / (one.multiply_adds * (sides[name] / one.image_size) ** 2)
        for name in milliseconds
        if (one := catalogue.known(name)) is not None
    )
    return known[len(known) // 2] / 1000 * entry.multiply_adds * area


@cache
def _measured() -> tuple[dict[str, float], dict[str, int]]:
    found = choosing.load()
    assert found is not None  # it ships with the lab
    return found.milliseconds, found.sides
