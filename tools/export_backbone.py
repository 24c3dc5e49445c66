"""Turn a pretraining checkpoint into what ships: weights, model card, class names, source statistics.

    python -m tools.export_backbone --archive tiny-imagenet-200.zip --work DIR [--out core/backbones/built_in]

The moving average of the weights is exported. Every figure of the card is measured on the written file.
"""

import argparse
import datetime
import hashlib
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.images import augmentation, normalisation
from core.metrics.similarity import pooled_features
from tools import evaluate_backbone, model_card, tiny_imagenet

SIDES = (64, 80)  # pixels; the second shows that a somewhat larger image is read better (arXiv 1906.06423)
SAMPLE = 10_000  # training images behind the source statistics
MEGABYTE_LIMIT = 7.0


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels to fp16; norms and biases, a hundredth of the size, stay fp32; counters stay."""
    return {
        key: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous()
        for key, tensor in state.items()
    }


def source_statistics(
    backbone: Backbone, images: NDArray[np.uint8], *, side: int, device: torch.device
) -> dict[str, Tensor]:
    """Mean (C,) and covariance (C, C), float32, of every stage's pooled features over images (N, 64, 64, 3)."""

    def batch(start: int) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + 250])).permute(0, 3, 1, 2)
        return augmentation.resize(normalisation.IMAGENET.apply(pixels.to(device)), side)

    features = pooled_features(backbone, (batch(start) for start in range(0, len(images), 250)))
    statistics = {}
    for stage, values in features.items():
        rows = values.astype(np.float64)  # (N, C)
        statistics[f"{stage}.mean"] = torch.from_numpy(rows.mean(axis=0)).float()
        statistics[f"{stage}.covariance"] = torch.from_numpy(np.cov(rows, rowvar=False)).float()
    return statistics


def export(
    archive: Path,
    work: Path,
    out: Path,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    device: str = "cpu",
    note: str = "",
) -> dict[str, Any]:
    """Write all files of the built-in backbone to ``out`` and return the model card."""
    place = torch.device(device)
    data = tiny_imagenet.load(archive, work)
    checkpoint = torch.load(work / "checkpoint.pt", map_location="cpu", weights_only=True)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "tiny_resnet18.safetensors"
    save_file(
        half(checkpoint["average"]),
        path,
        metadata={"format": "pt", "network": catalogue.BUILT_IN, "data": "Tiny ImageNet, training images"},
    )
    size = path.stat().st_size
    if size > MEGABYTE_LIMIT * 1e6:
        raise SystemExit(f"{path} takes {size / 1e6:.1f} MB, more than the {MEGABYTE_LIMIT:g} MB it may.")
    rows = [{"wnid": wnid, "name": name} for wnid, name in zip(data.wnids, data.names, strict=True)]
    lines = ",\n".join(" " + json.dumps(row, ensure_ascii=False) for row in rows)
    (out / "classes.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")

    backbone = stages.build(catalogue.BUILT_IN)
    weights.load_pretrained(backbone, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    side = catalogue.entry(catalogue.BUILT_IN).image_size
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.train.labels))[:sample])
    statistics = source_statistics(backbone.to(place), data.train.images[chosen], side=side, device=place)
    save_file(
        statistics,
        out / "source_statistics.safetensors",
        metadata={
            "format": "pt",
            "network": catalogue.BUILT_IN,
            "weights_sha256": digest,
            "images": str(len(chosen)),
            "image_size": str(side),
            "seed": str(seed),
            "what": "mean and covariance of globally average-pooled features after each stage, whole images",
        },
    )
    evaluations = evaluate_backbone.evaluate(backbone, data.validation, SIDES, place)
    card = model_card.describe(
        file={"name": path.name, "bytes": size, "sha256": digest},
        data=_data(archive, data),
        checkpoint=checkpoint,
        date=datetime.date.fromtimestamp((work / "checkpoint.pt").stat().st_mtime).isoformat(),
        evaluations=evaluations,
        labels=data.validation.labels,
        classes=rows,
        statistics={"images": len(chosen), "image_size": side, "seed": seed},
        note=note,
    )
    (out / "tiny_resnet18.json").write_text(
        json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (out / "MODEL_CARD.md").write_text(model_card.markdown(card), encoding="utf-8")
    for written in out.glob("*.safetensors"):
        written.chmod(0o644)  # safetensors writes for its owner alone
    return card


def _data(archive: Path, data: tiny_imagenet.TinyImageNet) -> dict[str, Any]:
    """Describe what the network saw, from the archive itself."""
    with zipfile.ZipFile(archive) as source:
        paths = [PurePosixPath(name) for name in source.namelist()]
    formats = {
        split: sorted(
            {p.suffix.lower().lstrip(".") for p in paths if split in p.parts and "images" in p.parts} - {""}
        )
        for split in ("train", "val")
    }
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": "Tiny ImageNet (Stanford CS231n), 64 × 64 pixels, 200 classes of ImageNet",
        "homepage": "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "archive": archive.name,
        "archive_sha256": digest,
        "training_images": len(data.train.labels),
        "training_format": ", ".join(formats["train"]),
        "validation_images": len(data.validation.labels),
        "validation_format": ", ".join(formats["val"]),
    }


def main() -> None:
    """Export and print the headline figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument(
        "--work", type=Path, required=True, help="the pretraining's folder, with checkpoint.pt"
    )
    parser.add_argument("--out", type=Path, default=catalogue.built_in("."))
    parser.add_argument("--sample", type=int, default=SAMPLE, help="training images behind the statistics")
    parser.add_argument("--seed", type=int, default=0, help="which training images these are")
    parser.add_argument("--note", default="", help="a sentence for the card's training section")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    card = export(
        arguments.archive,
        arguments.work,
        arguments.out,
        sample=arguments.sample,
        seed=arguments.seed,
        device=arguments.device,
        note=arguments.note,
    )
    for side, figures in card["accuracy"].items():
        print(f"{side} px: top-1 {figures['top1']:.4f} top-5 {figures['top5']:.4f}")
    print(f"{card['file']['bytes'] / 1e6:.2f} MB in {arguments.out}")


if __name__ == "__main__":
    main()
