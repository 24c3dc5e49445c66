"""Model cards of the networks that come with the lab (Mitchell et al. 2019, arXiv 1810.03993): JSON and Markdown."""

import hashlib
import json
import textwrap
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.metrics.classification import wilson
from tools.evaluate_backbone import Evaluation
from tools.tiny_imagenet import TinyImageNet

LIMITS = (
    "It was made to teach transfer learning on a laptop, not to decide anything about people or things.",
    "It saw photographs of 64 × 64 pixels only; fine detail, text and small objects are beyond it.",
    "It knows 200 classes of ImageNet, with their American and web-photograph slant; people appear in the "
    "images, but no class describes them.",
    "Every class was measured on few validation images: accuracy per class is a rough figure.",
    "The validation images were looked at after each epoch, for the log; the exported weights are those of the "
    "last step all the same, not of the best epoch.",
)
LICENCE = (
    "The weights belong to this project. They were learned from Tiny ImageNet, a subset of ImageNet, whose images "
    "are under their owners' copyright and are licensed for non-commercial research and education; no image, nor "
    "part of one, is in this repository. The statistics are means and deviations over thousands of images."
)
OTHERS_LIMITS = (
    "It was trained by others, for phones; here it teaches, and decides nothing about people or things.",
    "It knows 1,000 classes of ImageNet, with their American and web-photograph slant: a tenth of them are breeds of "
    "dogs; people appear in the images, but hardly a class describes them.",
    "It saw photographs of natural size; what is drawn, microscopic or X-rayed it forces into one of its classes.",
    "Our figures rest on images enlarged from 64 pixels and on 200 of the classes: they compare networks on the same "
    "images, and do not repeat the published accuracy.",
    "The statistics of its source stand for ImageNet, but come from those enlarged images: part of what they call far "
    "is only sharp.",
)


def describe(
    *,
    file: dict[str, Any],
    data: dict[str, Any],
    checkpoint: dict[str, Any],
    date: str,
    evaluations: tuple[Evaluation, ...],
    labels: NDArray[np.int64],
    classes: list[dict[str, str]],
    statistics: dict[str, Any],
    note: str = "",
) -> dict[str, Any]:
    """Build the card from a pretraining checkpoint and the evaluations of the exported file."""
    recipe = json.loads(checkpoint["recipe"])
    epochs = sum(count for _, count in recipe["phases"])
    return {
        "name": catalogue.BUILT_IN,
        "title": "Tiny ResNet-18: ResNet-18 at half width for 64-pixel images",
        "architecture": "32-64-128-256 channels, 7 × 7 / 2 stem, no max-pool, 200 outputs (arXiv 1512.03385)",
        "parameters": catalogue.entry(catalogue.BUILT_IN).parameters,
        "file": file,
        "data": data,
        "date": date,
        "seed": recipe["seed"],
        "initialised_from": " and ".join(recipe["initialised_from"]) or "random weights",
        "seconds": round(checkpoint["seconds"], 1),
        "steps": checkpoint["step"],
        "steps_planned": data["training_images"] // recipe["batch_size"] * epochs,
        "recipe": recipe,
        "note": note,
        "accuracy": accuracies(evaluations),
        "per_class": per_class(evaluations[0], labels, classes),
        "source_statistics": statistics,
        "limits": list(LIMITS),
        "licence": LICENCE,
    }


def described_other(
    *,
    entry: BackboneEntry,
    file: dict[str, Any],
    data: dict[str, Any],
    evaluations: tuple[Evaluation, ...],
    labels: NDArray[np.int64],
    classes: list[dict[str, str]],
    statistics: dict[str, Any],
    beside: dict[str, Any],
) -> dict[str, Any]:
    """Build the card of a network that others trained; ``beside`` is the built-in network's card."""
    return {
        "name": entry.name,
        "title": entry.title.partition(" (")[0] + ": a network for phones, learned from ImageNet by others",
        "architecture": entry.citation,
        "parameters": entry.parameters,
        "file": file,
        "data": data,
        "source": entry.source,
        "stated": {"top1": entry.accuracy, "by": entry.accuracy_source, "image_size": entry.image_size},
        "accuracy": accuracies(evaluations),
        "beside": {
            "name": beside["name"],
            "title": beside["title"],
            "accuracy": _with_intervals(beside["accuracy"]),
        },
        "per_class": per_class(evaluations[-1], labels, classes),
        "source_statistics": statistics,
        "limits": list(OTHERS_LIMITS),
        "licence": entry.licence,
    }


def accuracies(evaluations: tuple[Evaluation, ...]) -> dict[str, Any]:
    """Figures by image side; ``low`` and ``high`` bound the 95 % interval of top-1."""
    return {
        str(one.side): {
            "top1": round(one.top1, 4),
            "low": round(one.interval.low, 4),
            "high": round(one.interval.high, 4),
            "top5": round(one.top5, 4),
            "among_all": round(one.among_all, 4),
            "images": len(one.right),
        }
        for one in evaluations
    }


def _with_intervals(accuracy: dict[str, Any]) -> dict[str, Any]:
    """Add the 95 % interval to figures by image side that were written without it."""
    wide = {}
    for side, row in accuracy.items():
        span = wilson(round(row["top1"] * row["images"]), row["images"])
        wide[side] = {**row, "low": round(span.low, 4), "high": round(span.high, 4)}
    return wide


def per_class(
    evaluation: Evaluation, labels: NDArray[np.int64], classes: list[dict[str, str]]
) -> dict[str, Any]:
    """Accuracy of every class that there are images of."""
    return {
        "image_size": evaluation.side,
        "classes": [_class_row(number, row, evaluation, labels) for number, row in enumerate(classes)],
    }


def write(out: Path, card: dict[str, Any]) -> None:
    """Write the card for programs and for people, under the network's name."""
    content = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (out / f"{card['name']}.json").write_text(content, encoding="utf-8")
    (out / f"{card['name']}.md").write_text(markdown(card), encoding="utf-8")


def described(archive: Path, data: TinyImageNet) -> dict[str, Any]:
    """Describe Tiny ImageNet, from the archive itself."""
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


def _class_row(
    number: int, row: dict[str, str], evaluation: Evaluation, labels: NDArray[np.int64]
) -> dict[str, Any]:
    mine = labels == number
    return {**row, "accuracy": round(float(evaluation.right[mine].mean()), 4), "images": int(mine.sum())}


def markdown(card: dict[str, Any]) -> str:
    """Write the card for people."""
    parts = (
        f"# {card['title']}",
        _file(card),
        "## Accuracy",
        *_accuracy(card),
        "## Training",
        *(_own_training(card) if "recipe" in card else _others_training(card)),
        "## Data",
        _data(card),
        "## Limits",
        *(f"- {limit}" for limit in card["limits"]),
        "## Licence",
        card["licence"],
    )
    text = ""
    for previous, part in zip(("", *parts), parts, strict=False):
        same_list = previous.startswith("- ") and part.startswith("- ")
        text += ("\n" if same_list else "\n\n") + _wrapped(part)
    return text.lstrip() + "\n"


def _file(card: dict[str, Any]) -> str:
    file = card["file"]
    size = f"{file['bytes'] / 1e6:.2f} MB"
    if "package" in file:
        held = f"`{file['name']}` in the package `{file['package']}=={file['version']}` holds them in {size}"
    else:
        held = f"`{file['name']}` holds them in {size} (kernels and matrices fp16, norms and biases fp32)"
    return f"{card['architecture']}. {card['parameters']:,} parameters; {held}, SHA-256 `{file['sha256']}`."


def _accuracy(card: dict[str, Any]) -> tuple[str, ...]:
    ranked = sorted(card["per_class"]["classes"], key=lambda row: -row["accuracy"])
    evaluated = card["per_class"]["image_size"]
    best = (
        f"Best classes at {evaluated} px: {_named(ranked[:5])}. Hardest: {_named(ranked[-5:])}. "
        f"All {len(ranked)} stand in `{card['name']}.json`."
    )
    if "recipe" in card:
        rows = "\n".join(
            f"| {side} px | {row['top1']:.2%} | {row['top5']:.2%} | {row['images']:,} |"
            for side, row in card["accuracy"].items()
        )
        return (
            "Measured on the written file, on Tiny ImageNet's validation images, resized and seen whole:",
            f"| image side | top-1 | top-5 | images |\n|---|---|---|---|\n{rows}",
            best,
        )
    beside = card["beside"]
    named = ((card["name"], card["accuracy"]), (beside["name"], beside["accuracy"]))
    rows = "\n".join(
        f"| `{name}` | {side} px | {row['top1']:.2%} ({row['low']:.2%} to {row['high']:.2%}) | {row['top5']:.2%} |"
        + (f" {row['among_all']:.2%} |" if name == card["name"] else " |")
        for name, accuracy in named
        for side, row in accuracy.items()
    )
    images = next(iter(card["accuracy"].values()))["images"]
    stated = card["stated"]
    return (
        f"Stated: {stated['top1']:.1%} top-1 on ImageNet's validation images at {stated['image_size']} px, "
        f"{stated['by']}. The accuracy of the converted weights was not published.",
        f"Measured by us, on Tiny ImageNet's {images:,} validation images of {len(ranked)} of the 1,000 classes, "
        "seen whole and enlarged from 64 pixels, which blurs them. The network chooses among these "
        f"{len(ranked)} classes; the last column lets it choose among all 1,000. Beside it, on the same images, "
        f"`{beside['name']}`, which learned exactly these classes from images of 64 pixels:",
        "| network | image side | top-1 (95 % interval) | top-5 | top-1 among all 1,000 |\n|---|---|---|---|---|\n"
        + rows,
        "Whoever made Tiny ImageNet does not say from which part of ImageNet its validation images come. If some are "
        "among the images that this network learned from, its figures here flatter it.",
        best,
    )


def _own_training(card: dict[str, Any]) -> tuple[str, ...]:
    recipe = card["recipe"]
    phases = ", ".join(
        f"{epochs} epoch{'s' * (epochs > 1)} at {side} px" for side, epochs in recipe["phases"]
    )
    names = ("batch_size", "peak_rate", "warm_up", "momentum", "weight_decay", "label_smoothing", "ema_decay")
    settings = ", ".join(f"{name.replace('_', ' ')} {recipe[name]:g}" for name in names)
    crops = " to ".join(f"{share:.0%}" for share in recipe["crop_area"])
    unfinished = (
        ""
        if card["steps"] == card["steps_planned"]
        else f" It was cooled down there, before the planned {card['steps_planned']:,}."
    )
    return (
        f"- Date {card['date']}, seed {card['seed']}, started from {card['initialised_from']} (averaged, where two).",
        f"- {phases}; {card['steps']:,} steps in {card['seconds'] / 60:.0f} minutes.{unfinished}",
        f"- SGD with Nesterov momentum and a one-cycle rate: {settings}; random crops of {crops} of the area, "
        "and flips.",
        "- The moving average of the weights is what ships. `tools/pretrain_backbone.py` trains, "
        "`tools/export_backbone.py` wrote these files, `tools/evaluate_backbone.py` measures them again.",
        *([f"- {card['note']}"] if card["note"] else []),
    )


def _others_training(card: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"By TensorFlow's authors, on {card['source']}. The weights were converted for PyTorch by others and packaged "
        "for the package index; the lab checks the file's hash, renames its tensors in memory to those of timm's "
        "`tf_efficientnet_lite0`, and changes no number. `tools/describe_backbone.py` wrote this card.",
    )


def _data(card: dict[str, Any]) -> str:
    data, pooled = card["data"], card["source_statistics"]
    sides = " and ".join(str(side) for side in pooled["image_sizes"])
    enlarged = "" if max(pooled["image_sizes"]) <= 64 else ", to which they were enlarged"
    own = " `classes.json` names the outputs in order." if "recipe" in card else ""
    return (
        f"{data['name']}, {data['homepage']}: {data['training_images']:,} training images "
        f"({data['training_format']} in the archive used, SHA-256 `{data['archive_sha256']}`) and "
        f"{data['validation_images']:,} validation images ({data['validation_format']}).{own} "
        f"`{card['name']}.source.safetensors` holds, for each stage, the mean and standard deviation of "
        f"average-pooled features over {pooled['images']:,} training images at {sides} px{enlarged}."
    )


def _wrapped(part: str) -> str:
    if part.startswith("|"):
        return part
    indent = "  " if part.startswith("- ") else ""
    return textwrap.fill(part, 110, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _named(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['name']} {row['accuracy']:.0%}" for row in rows)
