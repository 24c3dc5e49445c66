"""The built-in backbone's model card (Mitchell et al. 2019, arXiv 1810.03993): as JSON and as Markdown."""

import json
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backbones import catalogue
from tools.evaluate_backbone import Evaluation

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
    "part of one, is in this repository. The statistics are means and covariances over thousands of images."
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
    first = evaluations[0]
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
        "accuracy": {
            str(one.side): {"top1": round(one.top1, 4), "top5": round(one.top5, 4), "images": len(labels)}
            for one in evaluations
        },
        "per_class": {
            "image_size": first.side,
            "classes": [_class_row(number, row, first, labels) for number, row in enumerate(classes)],
        },
        "source_statistics": statistics,
        "limits": list(LIMITS),
        "licence": LICENCE,
    }


def _class_row(
    number: int, row: dict[str, str], evaluation: Evaluation, labels: NDArray[np.int64]
) -> dict[str, Any]:
    mine = labels == number
    return {**row, "accuracy": round(float(evaluation.right[mine].mean()), 4), "images": int(mine.sum())}


def markdown(card: dict[str, Any]) -> str:
    """Write the card for people."""
    recipe, data = card["recipe"], card["data"]
    phases = ", ".join(
        f"{epochs} epoch{'s' * (epochs > 1)} at {side} px" for side, epochs in recipe["phases"]
    )
    ranked = sorted(card["per_class"]["classes"], key=lambda row: -row["accuracy"])
    names = ("batch_size", "peak_rate", "warm_up", "momentum", "weight_decay", "label_smoothing", "ema_decay")
    settings = ", ".join(f"{name.replace('_', ' ')} {recipe[name]:g}" for name in names)
    crops = " to ".join(f"{share:.0%}" for share in recipe["crop_area"])
    accuracy = "\n".join(
        f"| {side} px | {row['top1']:.2%} | {row['top5']:.2%} | {row['images']:,} |"
        for side, row in card["accuracy"].items()
    )
    unfinished = (
        ""
        if card["steps"] == card["steps_planned"]
        else f" It was cooled down there, before the planned {card['steps_planned']:,}."
    )
    evaluated, pooled, file = card["per_class"]["image_size"], card["source_statistics"], card["file"]
    parts = (
        f"# {card['title']}",
        f"{card['architecture']}. {card['parameters']:,} parameters; `{file['name']}` holds them in "
        f"{file['bytes'] / 1e6:.2f} MB (kernels and matrices fp16, norms and biases fp32), "
        f"SHA-256 `{file['sha256']}`.",
        "## Accuracy",
        "Measured on the written file, on Tiny ImageNet's validation images, resized and seen whole:",
        f"| image side | top-1 | top-5 | images |\n|---|---|---|---|\n{accuracy}",
        f"Best classes at {evaluated} px: {_named(ranked[:5])}. Hardest: {_named(ranked[-5:])}. "
        f"All {len(ranked)} stand in `tiny_resnet18.json`.",
        "## Training",
        f"- Date {card['date']}, seed {card['seed']}, started from {card['initialised_from']} (averaged, where two).",
        f"- {phases}; {card['steps']:,} steps in {card['seconds'] / 60:.0f} minutes.{unfinished}",
        f"- SGD with Nesterov momentum and a one-cycle rate: {settings}; random crops of {crops} of the area, "
        "and flips.",
        "- The moving average of the weights is what ships. `tools/pretrain_backbone.py` trains, "
        "`tools/export_backbone.py` wrote these files, `tools/evaluate_backbone.py` measures them again.",
        *([f"- {card['note']}"] if card["note"] else []),
        "## Data",
        f"{data['name']}, {data['homepage']}: {data['training_images']:,} training images "
        f"({data['training_format']} in the archive used, SHA-256 `{data['archive_sha256']}`) and "
        f"{data['validation_images']:,} validation images ({data['validation_format']}). `classes.json` names the "
        "outputs in order. `source_statistics.safetensors` holds, for each stage, the mean and covariance of "
        f"average-pooled features over {pooled['images']:,} training images at {pooled['image_size']} px.",
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


def _wrapped(part: str) -> str:
    if part.startswith("|"):
        return part
    indent = "  " if part.startswith("- ") else ""
    return textwrap.fill(part, 110, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _named(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['name']} {row['accuracy']:.0%}" for row in rows)
