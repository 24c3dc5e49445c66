"""Turn a pretraining checkpoint into what ships: weights, model card, class names, source statistics.

    python -m tools.export_backbone --archive tiny-imagenet-200.zip --work DIR [--out core/backbones/built_in]

The moving average of the weights is exported. Every figure of the card is measured on the written file.
"""

import argparse
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from core.backbones import catalogue, stages, weights
from tools import evaluate_backbone, model_card, source_statistics, tiny_imagenet

SIDES = (64, 80)  # pixels; the second shows that a somewhat larger image is read better (arXiv 1906.06423)
SAMPLE = 10_000  # training images behind the source statistics
MEGABYTE_LIMIT = 7.0


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels to fp16; norms and biases, a hundredth of the size, stay fp32; counters stay."""
    return {
        key: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous()
        for key, tensor in state.items()
    }


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
    chosen = source_statistics.drawn(len(data.train.labels), sample, seed)
    source_statistics.write(
        out / f"{catalogue.BUILT_IN}.source.safetensors",
        backbone.to(place),
        data.train.images[chosen],
        sides=(side,),
        weights_sha256=digest,
        seed=seed,
        device=place,
    )
    evaluations = evaluate_backbone.evaluate(backbone, data, SIDES, place)
    card = model_card.describe(
        file={"name": path.name, "bytes": size, "sha256": digest},
        data=model_card.described(archive, data),
        checkpoint=checkpoint,
        date=datetime.date.fromtimestamp((work / "checkpoint.pt").stat().st_mtime).isoformat(),
        evaluations=evaluations,
        labels=data.validation.labels,
        classes=rows,
        statistics={"images": len(chosen), "image_sizes": [side], "seed": seed},
        note=note,
    )
    model_card.write(out, card)
    path.chmod(0o644)  # safetensors writes for its owner alone
    return card


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
