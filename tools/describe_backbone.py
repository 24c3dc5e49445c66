"""Measure a network that others trained and that comes with the lab: its model card and its source statistics.

    python -m tools.describe_backbone --archive tiny-imagenet-200.zip --work DIR [--backbone NAME]

Everything rests on Tiny ImageNet's images, enlarged; only figures are written. A few minutes on two cores.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from core.backbones import catalogue, packaged, stages, weights
from tools import evaluate_backbone, model_card, source_statistics, tiny_imagenet

SAMPLE = 5_000  # training images behind the source statistics
STATISTICS_SIDES = (112, 128)  # pixels: of the evidence, and of runs
SIDES = (128, 224)


def describe(
    name: str,
    archive: Path,
    work: Path,
    out: Path,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    device: str = "cpu",
) -> dict[str, Any]:
    """Write the card and the statistics of ``name`` to ``out`` and return the card."""
    place = torch.device(device)
    data = tiny_imagenet.load(archive, work)
    entry, stated = catalogue.entry(name), packaged.PACKAGED[name]
    backbone = stages.build(name)
    weights.load_pretrained(backbone)
    file = packaged.path_of(name)
    assert file is not None, "it was loaded"
    chosen = source_statistics.drawn(len(data.train.labels), sample, seed)
    source_statistics.write(
        out / f"{name}.source.safetensors",
        backbone.to(place),
        data.train.images[chosen],
        sides=STATISTICS_SIDES,
        weights_sha256=stated.sha256,
        seed=seed,
        device=place,
    )
    print(f"statistics of {len(chosen):,} images", flush=True)
    evaluations = evaluate_backbone.evaluate(backbone, data, SIDES, place)
    card = model_card.described_other(
        entry=entry,
        file={
            "name": stated.file,
            "package": stated.package,
            "version": stated.version,
            "bytes": file.stat().st_size,
            "sha256": stated.sha256,
        },
        data=model_card.described(archive, data),
        evaluations=evaluations,
        labels=data.validation.labels,
        classes=[{"wnid": wnid, "name": title} for wnid, title in zip(data.wnids, data.names, strict=True)],
        statistics={"images": len(chosen), "image_sizes": list(STATISTICS_SIDES), "seed": seed},
        beside=json.loads(catalogue.built_in(f"{catalogue.BUILT_IN}.json").read_text(encoding="utf-8")),
    )
    model_card.write(out, card)
    return card


def main() -> None:
    """Describe a network and print the headline figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder for decoded arrays")
    parser.add_argument("--backbone", default=catalogue.DEFAULT, choices=tuple(packaged.PACKAGED))
    parser.add_argument("--out", type=Path, default=catalogue.built_in("."))
    parser.add_argument("--sample", type=int, default=SAMPLE, help="training images behind the statistics")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    card = describe(
        arguments.backbone,
        arguments.archive,
        arguments.work,
        arguments.out,
        sample=arguments.sample,
        device=arguments.device,
    )
    for side, figures in card["accuracy"].items():
        print(f"{side} px: top-1 {figures['top1']:.4f} [{figures['low']:.4f}, {figures['high']:.4f}]")


if __name__ == "__main__":
    main()
