"""From weights to what ships beside them, on a tiny stand-in for Tiny ImageNet."""

import io
import json
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from core.backbones import stages, weights
from core.backbones.tiny_resnet import TinyResNet18
from core.images import normalisation
from tools import evaluate_backbone, export_backbone, tiny_imagenet
from tools.pretrain_backbone import Recipe

CLASSES = 200


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official layout with one training and one validation image per class."""
    path = tmp_path_factory.mktemp("archive") / "tiny-imagenet-200.zip"
    noise = np.random.default_rng(0)
    wnids = [f"n{number:08}" for number in range(CLASSES)]
    root = tiny_imagenet.ROOT
    with zipfile.ZipFile(path, "w") as target:
        target.writestr(f"{root}/wnids.txt", "\n".join(wnids))
        target.writestr(f"{root}/words.txt", "\n".join(f"{wnid}\tthing {wnid}, alias" for wnid in wnids))
        rows = []
        for number, wnid in enumerate(wnids):
            content = io.BytesIO()
            pixels = noise.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 64)).save(content, "JPEG")
            target.writestr(f"{root}/train/{wnid}/images/{wnid}_0.JPEG", content.getvalue())
            target.writestr(f"{root}/val/images/val_{number}.JPEG", content.getvalue())
            rows.append(f"val_{number}.JPEG\t{wnid}\t0\t0\t63\t63")
        target.writestr(f"{root}/val/val_annotations.txt", "\n".join(rows))
    return path


@pytest.fixture(scope="module")
def network() -> TinyResNet18:
    with stages.seeded(1):
        return TinyResNet18()


@pytest.fixture(scope="module")
def exported(
    archive: Path, network: TinyResNet18, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, Any]]:
    work, out = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("out")
    checkpoint = {
        "average": network.state_dict(),
        "step": 10,
        "seconds": 120.0,
        "recipe": json.dumps(asdict(Recipe(phases=((32, 1),), batch_size=20, seed=9))),
    }
    torch.save(checkpoint, work / "checkpoint.pt")
    return work, out, export_backbone.export(archive, work, out, sample=150, seed=4)


def test_the_weights_are_half_precision_and_load(
    exported: tuple[Path, Path, dict[str, Any]], network: TinyResNet18
) -> None:
    _, out, card = exported
    path = out / "tiny_resnet18.safetensors"
    assert card["file"]["bytes"] == path.stat().st_size < 7e6
    stored = load_file(path)
    assert stored["layer1.0.conv1.weight"].dtype == torch.float16
    assert stored["bn1.running_var"].dtype == torch.float32
    backbone = stages.build("tiny_resnet18")
    weights.load_pretrained(backbone, path)
    loaded = stages.to_state(backbone)
    for key, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded[key], tensor, rtol=1e-3, atol=1e-5)


def test_the_card_says_how_it_came_about(exported: tuple[Path, Path, dict[str, Any]]) -> None:
    _, out, card = exported
    assert json.loads((out / "tiny_resnet18.json").read_text(encoding="utf-8")) == card
    assert (card["seed"], card["initialised_from"]) == (9, "random weights")
    assert (card["seconds"], card["steps"], card["steps_planned"]) == (120.0, 10, 10)
    assert card["data"]["training_images"] == CLASSES
    assert card["data"]["training_format"] == "jpeg"
    text = (out / "tiny_resnet18.md").read_text(encoding="utf-8")
    assert card["file"]["sha256"] in text
    assert f"| 80 px | {card['accuracy']['80']['top1']:.2%} |" in text
    assert "stopped" not in text


def test_accuracies_are_those_of_the_written_file(
    exported: tuple[Path, Path, dict[str, Any]], archive: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    work, out, card = exported
    per_class = card["per_class"]["classes"]
    assert len(per_class) == CLASSES
    assert np.mean([row["accuracy"] for row in per_class]) == pytest.approx(card["accuracy"]["64"]["top1"])
    assert per_class[3]["name"] == "thing n00000003"
    arguments = ["--archive", archive, "--work", work, "--weights", out / "tiny_resnet18.safetensors"]
    monkeypatch.setattr(sys, "argv", ["evaluate_backbone", *map(str, arguments)])
    evaluate_backbone.main()
    lines = capsys.readouterr().out.splitlines()
    for line, (side, figures) in zip(lines, card["accuracy"].items(), strict=True):
        assert line.startswith(f"{side} px: top-1 {figures['top1']:.4f} ")
        assert f"top-5 {figures['top5']:.4f}" in line


def test_class_names_and_statistics_fit_the_network(
    exported: tuple[Path, Path, dict[str, Any]], archive: Path
) -> None:
    work, out, _ = exported
    names = json.loads((out / "classes.json").read_text(encoding="utf-8"))
    assert names[5] == {"wnid": "n00000005", "name": "thing n00000005"}
    with safe_open(out / "tiny_resnet18.source.safetensors", framework="pt") as file:
        assert (file.metadata()["images"], file.metadata()["seed"]) == ("150", "4")
        assert json.loads(file.metadata()["image_sizes"]) == [64]
    statistics = load_file(out / "tiny_resnet18.source.safetensors")
    backbone = stages.build("tiny_resnet18").eval()
    weights.load_pretrained(backbone, out / "tiny_resnet18.safetensors")
    assert [key for key in statistics if key.endswith(".mean")] == sorted(
        f"64.{stage.name}.mean" for stage in backbone.table
    )
    chosen = np.sort(np.random.default_rng(4).permutation(CLASSES)[:150])
    pixels = tiny_imagenet.load(archive, work).train.images[chosen].transpose(0, 3, 1, 2)
    features = normalisation.IMAGENET.apply(torch.from_numpy(pixels.copy()))
    with torch.no_grad():
        for stage in backbone.table:
            features = stage.module(features)
            pooled = features.mean(dim=(2, 3)).double()
            # Statistics are measured in bfloat16 where the processor has it.
            torch.testing.assert_close(
                statistics[f"64.{stage.name}.mean"], pooled.mean(dim=0).float(), rtol=0.02, atol=0.02
            )
            torch.testing.assert_close(
                statistics[f"64.{stage.name}.deviation"], pooled.std(dim=0).float(), rtol=0.05, atol=0.01
            )
