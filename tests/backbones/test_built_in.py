"""What ships with the built-in backbone belongs together and is what its card says."""

import hashlib
import json
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from core.backbones import catalogue, weights


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(catalogue.built_in("tiny_resnet18.json").read_text(encoding="utf-8"))
    return content


def test_the_card_is_that_of_the_weights(card: dict[str, Any]) -> None:
    content = weights.built_in_weights_path().read_bytes()
    assert len(content) == card["file"]["bytes"] <= 7e6
    assert hashlib.sha256(content).hexdigest() == card["file"]["sha256"]
    assert card["file"]["sha256"] in catalogue.built_in("MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_catalogue_states_the_measured_accuracy(card: dict[str, Any]) -> None:
    entry = catalogue.entry(catalogue.BUILT_IN)
    assert entry.accuracy == card["accuracy"]["64"]["top1"]
    assert entry.accuracy_top5 == card["accuracy"]["64"]["top5"]
    assert card["accuracy"]["64"]["images"] == 10_000
    assert entry.parameters == card["parameters"]


def test_the_card_lists_every_class(card: dict[str, Any]) -> None:
    rows = card["per_class"]["classes"]
    assert tuple(row["name"] for row in rows) == weights.source_class_names(
        catalogue.entry(catalogue.BUILT_IN)
    )
    mean = sum(row["accuracy"] for row in rows) / len(rows)
    assert mean == pytest.approx(card["accuracy"]["64"]["top1"], abs=1e-4)


def test_the_statistics_are_those_of_the_weights(card: dict[str, Any]) -> None:
    path = catalogue.built_in("source_statistics.safetensors")
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["weights_sha256"] == card["file"]["sha256"]
    statistics = load_file(path)
    for stage in catalogue.entry(catalogue.BUILT_IN).stages:
        covariance = statistics[f"{stage.name}.covariance"]
        assert statistics[f"{stage.name}.mean"].shape == (stage.channels,)
        assert torch.equal(covariance, covariance.T)
        assert float(torch.linalg.eigvalsh(covariance.double()).min()) > -1e-6
