"""Advice from a look at a data set, in one call: nothing is trained."""

from core.advice import advisor, evidence, similarity
from core.advice.report import Advice
from core.backbones import catalogue, stages, weights
from core.datasets.dataset import ImageDataset
from core.training.sweep import draw, parts


def advise(
    dataset: ImageDataset,
    backbone: str = catalogue.DEFAULT,
    *,
    weights_from: str = "pretrained",
    per_class: int | None = None,
    probe: bool = False,
    seed: int = 0,
) -> Advice:
    """Say how deep to freeze ``backbone`` for ``dataset``, from one forward pass over its training images.

    ``per_class`` are the images of each class that may be learned from (None: all); ``probe`` adds linear probes,
    which take long. The pictures are measured at `evidence.side`, whatever side they were opened at. Raises
    `SettingsError` for a network that the catalogue does not know, and the errors of `weights.load_pretrained` and
    `similarity.steps`.
    """
    network = stages.build(backbone)
    weights.load_pretrained(network, weights_from)
    pool, _ = parts(dataset, seed)
    images = pool.subset(draw(pool.labels, per_class, seed=seed))
    measures = similarity.measure(
        network,
        images.images,
        images.labels,
        dataset.class_names,
        probe=probe,
        size=evidence.side(backbone),
        seed=seed,
    )
    return advisor.from_measures(measures, backbone)
