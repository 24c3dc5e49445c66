"""``python -m core sweep``: the last JSON object holds what was found; a table for people; a ZIP will do."""

import dataclasses
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.training.sweep_config import SweepConfig

QUICK = [
    "--backbone",
    "tiny_resnet18",
    "--image-size",
    "32",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--device",
    "cpu",
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark and bright noise: any depth tells them apart."""
    path = tmp_path_factory.mktemp("zip") / "Größe.zip"
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for name, low in (("dark", 0), ("bright", 150)):
            for number in range(10):
                picture = io.BytesIO()
                pixels = random.integers(low, low + 100, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(picture, "PNG")
                file.writestr(f"{name}/{number}.png", picture.getvalue())
        file.writestr("dark/broken.png", b"no picture")
    return path


@pytest.fixture(scope="module")
def lines(archive: Path) -> list[dict[str, Any]]:
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", printed)
        status = main(["sweep", "--data", str(archive), *QUICK, "--seeds", "2", "--per-class", "4", "--json"])
    assert status == 0
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def test_the_last_object_has_accuracy_and_seconds_of_every_depth_and_the_verdict(
    lines: list[dict[str, Any]],
) -> None:
    last = lines[-1]
    assert last["event"] == "sweep_finished"
    arms = ["k0", "k1", "k2", "k3", "k4", "k5", "lp_ft"]
    assert list(last["accuracy"]) == list(last["seconds_per_depth"]) == list(last["seconds_alone"]) == arms
    for figures in last["accuracy"].values():
        assert 0 <= figures["low"] <= figures["value"] <= figures["high"] <= 1
    assert last["best"] in last["indistinguishable"]
    assert last["cheapest"] in last["indistinguishable"]
    assert [one["arm"] for one in last["depths"]] == arms
    assert last["best_depth"] == next(one["depth"] for one in last["depths"] if one["arm"] == last["best"])
    assert last["verdict"].endswith(".")
    assert last["seeds"] == [0, 1]
    # What stands in the events is what was counted.
    means = {
        arm: np.mean([line["accuracy"] for line in lines if line["event"] == "arm" and line["arm"] == arm])
        for arm in arms
    }
    assert means == {arm: pytest.approx(last["accuracy"][arm]["value"]) for arm in arms}
    assert any("dark/broken.png" in line["message"] for line in lines if line["event"] == "note")


def test_without_json_there_is_a_table_to_read(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--data", str(archive), *QUICK, "--seeds", "1", "--no-lp-ft", "--racing"]) == 0
    printed = capsys.readouterr()
    rows = printed.out.splitlines()
    assert rows[0].startswith("frozen")
    assert [row.split(")")[0] for row in rows[1:7]] == [
        "0 (nothing",
        "1 (up to stem",
        "2 (up to layer1",
        "3 (up to layer2",
        "4 (up to layer3",
        "5 (up to layer4",
    ]
    assert "cannot be told apart" in printed.out or "better than all others" in printed.out
    assert "with one seed" in printed.out
    assert "seed 0, depth 5:" in printed.err


def test_every_setting_has_an_option_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sweep", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(SweepConfig):
        assert field.metadata["help"][:30] in text
    for option in [
        "data",
        "backbone",
        "weights",
        "seeds",
        "per-class",
        "epochs",
        "batch-size",
        "image-size",
        "no-lp-ft",
        "racing",
        "json",
    ]:
        assert f"--{option} " in text or f"--{option}]" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--data"),
        (["--data", "nothing"], "digits"),
        (["--data", "missing.zip"], "missing.zip"),
        (["--data", "digits", "--seeds", "0"], "seeds"),
        (["--data", "digits", "--seeds", "many"], "many"),
        (["--data", "digits", "--backbone", "alexnet"], "squeezenet1_0"),
        (["--data", "digits", "--head", "wooden"], "probe"),
        (["--data", "digits", "--device", "tpu"], "cuda"),
        (["--data", "digits", "--per-class", "-3"], "--per-class must lie between 1 and 1,000,000; it is -3"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1
