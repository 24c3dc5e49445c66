"""Veit et al. 2016 (arXiv 1605.06431) on the built-in backbone and its own task: damage a block, count what is lost.

    python -m benchmarks.residual_learning --archive ../shared/data/tiny-imagenet-200.zip [--images 1000]

Validation images of Tiny ImageNet, which the backbone was never trained on, and its own 200 outputs.
"""

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from core.interpretation import specimen
from core.interpretation.specimen import Specimen
from core.metrics.classification import wilson
from core.techniques.residual_learning.anatomy import Damage, Passage, block_names, walk

ROOT = "tiny-imagenet-200"
BATCH = 50


def validation(archive: Path, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw ``count`` validation images (count, 64, 64, 3) with their labels, which index ``wnids.txt``."""
    with zipfile.ZipFile(archive) as source:
        wnids = source.read(f"{ROOT}/wnids.txt").decode().split()
        index = {wnid: number for number, wnid in enumerate(wnids)}
        rows = [
            row.split("\t") for row in source.read(f"{ROOT}/val/val_annotations.txt").decode().splitlines()
        ]
        chosen = [rows[number] for number in np.random.default_rng(seed).permutation(len(rows))[:count]]
        images = [
            np.asarray(Image.open(io.BytesIO(source.read(f"{ROOT}/val/images/{row[0]}"))).convert("RGB"))
            for row in chosen
        ]
    return np.stack(images), np.array([index[row[1]] for row in chosen])


def right(
    one: Specimen,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    damaged: str = "",
    damage: Damage = "deleted",
) -> int:
    """Count right answers with one block damaged."""
    assert isinstance(one.backbone.head, nn.Sequential)
    classifier, hits = one.backbone.head[-1], 0
    for start in range(0, len(images), BATCH):
        *_, vectors = walk(one.backbone, one.input(images[start : start + BATCH]), damaged, damage)
        assert isinstance(vectors, Tensor)
        with torch.inference_mode():
            answers = classifier(vectors).argmax(dim=1).numpy()
        hits += int((answers == labels[start : start + BATCH]).sum())
    return hits


def main() -> None:
    """Print a line for every block."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--images", type=int, default=1000)
    arguments = parser.parse_args()
    images, labels = validation(arguments.archive, arguments.images, seed=0)
    one = specimen.pretrained("tiny_resnet18")
    passages = {
        step.block: step for step in walk(one.backbone, one.input(images[:200])) if isinstance(step, Passage)
    }

    def cell(hits: int) -> str:
        found = wilson(hits, len(labels))
        return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"

    print(f"whole: {cell(right(one, images, labels))} % of {len(labels)}\n")
    print("| block | size of H(x) / shortcut | without H(x) | H(x) shuffled |\n|---|---|---|---|")
    for name in block_names(one.backbone):
        share = passages[name].change / passages[name].shortcut
        lost = [right(one, images, labels, name, damage) for damage in ("deleted", "shuffled")]
        print(f"| {name} | {share:.2f} | {cell(lost[0])} | {cell(lost[1])} |", flush=True)


if __name__ == "__main__":
    main()
