"""WiSE-FT with the backbone's true source task: target and Tiny ImageNet accuracy along the line of weights.

    python -m benchmarks.knowledge_fusion ../shared/data/textures.zip --archive ../shared/data/tiny-imagenet-200.zip

The same functions as the experiment; the earlier task is the backbone's own, with its own 200 outputs.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.residual_learning import validation
from core.datasets.open import open_dataset
from core.datasets.splits import split
from core.interpretation import specimen
from core.techniques.knowledge_fusion.experiment import ALPHAS, SIDE, FusionExam
from core.techniques.knowledge_fusion.learning import (
    FusedNetwork,
    fine_tune,
    frozen_features,
    solved_head,
    through,
)
from core.techniques.knowledge_fusion.shift import shifted
from core.techniques.knowledge_fusion.weights import interpolated


def main() -> None:
    """Print a line for every alpha: mean accuracy over seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", help="a data set's name, ZIP or folder")
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--images", type=int, default=400, help="test images of each kind, at most")
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--side", type=int, default=SIDE)
    chosen = parser.parse_args()
    one = specimen.pretrained("tiny_resnet18")
    dataset = open_dataset(chosen.target, side=chosen.side)
    images, known = validation(chosen.archive, chosen.images, seed=0)
    source = specimen.pretrained("tiny_resnet18").backbone.head[-1]  # type: ignore[index]
    found = []
    for seed in range(chosen.seeds):
        parts = split(dataset, per_class=chosen.per_class, seed=seed)
        test = parts.test.subset(np.random.default_rng(seed).permutation(len(parts.test))[: chosen.images])
        labels = torch.from_numpy(test.labels)
        exam = FusionExam(
            features={
                "target": frozen_features(one, test.images),
                "shifted": frozen_features(one, shifted(test.images, "mixed", seed)),
                "earlier": frozen_features(one, images),
            },
            labels={"target": labels, "shifted": labels, "earlier": torch.from_numpy(known)},
            earlier_head=source,
        )
        features, wanted = frozen_features(one, parts.train.images), torch.from_numpy(parts.train.labels)
        start = FusedNetwork(one)
        *_, head = solved_head(through(start.body, features), parts.train.labels, seed)
        assert isinstance(head, nn.Linear)
        start.head = head
        tuned = start.filled(start.state())
        for _ in fine_tune(tuned, features, wanted, factor=1.0, seed=seed):
            pass
        before, after = start.state(), tuned.state()
        answers = [exam.answers(start.filled(interpolated(before, after, alpha))) for alpha in ALPHAS]
        found.append([list(exam.accuracies(one_answer).values()) for one_answer in answers])
    mean = 100 * np.mean(found, axis=0)  # (alphas, quantities)
    print("| alpha | target | target, shifted | source (Tiny ImageNet) |\n|---|---|---|---|")
    for alpha, row in zip(ALPHAS, mean, strict=True):
        print(f"| {alpha:g} | " + " | ".join(f"{value:.1f}" for value in row) + " |")


if __name__ == "__main__":
    main()
