"""What ships with the built-in backbone belongs together and is what its card says."""

import hashlib
import itertools
import json
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from core.backbones import catalogue, packaged, weights


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(catalogue.built_in("tiny_resnet18.json").read_text(encoding="utf-8"))
    return content


def test_the_card_is_that_of_the_weights(card: dict[str, Any]) -> None:
    content = weights.built_in_weights_path().read_bytes()
    assert len(content) == card["file"]["bytes"] <= 7e6
    assert hashlib.sha256(content).hexdigest() == card["file"]["sha256"]
    assert card["file"]["sha256"] in catalogue.built_in("tiny_resnet18.md").read_text(encoding="utf-8")


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


@pytest.mark.parametrize("name", [catalogue.BUILT_IN, catalogue.DEFAULT])
def test_the_statistics_are_those_of_the_weights(name: str) -> None:
    content: dict[str, Any] = json.loads(catalogue.built_in(f"{name}.json").read_text(encoding="utf-8"))
    path = catalogue.built_in(f"{name}.source.safetensors")
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["weights_sha256"] == content["file"]["sha256"] == weights.content_sha256(name)
        sides = json.loads(file.metadata()["image_sizes"])
    assert sides == content["source_statistics"]["image_sizes"]
    assert catalogue.entry(name).finetune_size in sides
    statistics = load_file(path)
    for side, stage in itertools.product(sides, catalogue.entry(name).stages):
        assert statistics[f"{side}.{stage.name}.mean"].shape == (stage.channels,)
        assert statistics[f"{side}.{stage.name}.deviation"].shape == (stage.channels,)
        assert float(statistics[f"{side}.{stage.name}.deviation"].min()) >= 0


def test_the_other_networks_card_says_where_it_comes_from_and_what_we_measured() -> None:
    content = json.loads(catalogue.built_in(f"{catalogue.DEFAULT}.json").read_text(encoding="utf-8"))
    stated, entry = packaged.PACKAGED[catalogue.DEFAULT], catalogue.entry(catalogue.DEFAULT)
    assert content["file"]["sha256"] == stated.sha256
    assert (content["file"]["package"], content["file"]["version"]) == (stated.package, stated.version)
    assert (content["parameters"], content["stated"]["top1"]) == (entry.parameters, entry.accuracy)
    assert content["licence"] == entry.licence
    text = catalogue.built_in(f"{catalogue.DEFAULT}.md").read_text(encoding="utf-8")
    for side in ("128", "224"):
        row = content["accuracy"][side]
        assert row["images"] == 10_000
        assert row["low"] < row["top1"] < row["high"]
        assert row["among_all"] <= row["top1"]
        assert f"| {side} px | {row['top1']:.2%} ({row['low']:.2%} to {row['high']:.2%}) |" in text
    ours = content["beside"]["accuracy"]["64"]["top1"]
    assert ours == catalogue.entry(catalogue.BUILT_IN).accuracy
    assert (
        content["accuracy"]["224"]["low"] > ours
    )  # a larger network, trained on natural pictures, sees better
    assert stated.sha256 in text
    assert "enlarged" in text
