"""``python -m core finetune``: events as JSON, files that reproduce the run, a readable summary."""

import io
import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.backbones import catalogue
from core.cli import main
from core.runs.kinds.finetuning_result import RunResult

TINY = ["--backbone", "tiny_resnet18"]
QUICK = [*TINY, "--data", "lfw-faces", "--image-size", "32", "--views", "2", "--batch-size", "16"]
RUNS = {
    "freeze": ["--freeze", "3", "--epochs", "3", "--seed", "1"],
    "probe": ["--strategy", "linear_probe"],
    "scratch": ["--strategy", "scratch", "--epochs", "1", "--head", "mlp", "--head-width", "16"],
    "gradual": [
        "--strategy",
        "gradual",
        "--epochs",
        "4",
        "--l2-sp",
        "0.1",
        "--mixup",
        "0.2",
        "--stage-decay",
        "0.7",
    ],
}


class Done:
    """One run of the command line: its folder, and what it printed."""

    def __init__(self, folder: Path, lines: list[dict[str, Any]]) -> None:
        self.folder = folder
        self.lines = lines

    @property
    def accuracy(self) -> float:
        return float(self.lines[-1]["test"]["accuracy"]["value"])


@pytest.fixture(scope="module", params=RUNS)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Done]:
    folder = tmp_path_factory.mktemp(request.param) / "result"
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", printed)
        status = main(["finetune", *QUICK, *RUNS[request.param], "--json", "--out", str(folder)])
    assert status == 0
    return request.param, Done(folder, [json.loads(line) for line in printed.getvalue().splitlines()])


def script(folder: Path, *arguments: str) -> str:
    """Run the script as the main program; in this process, since importing torch again takes seconds."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", printed)
        patch.setattr(sys, "argv", ["reproduce.py", *arguments])
        runpy.run_path(str(folder / "reproduce.py"), run_name="__main__")
    return printed.getvalue()


def test_every_event_is_an_object_and_the_last_one_has_the_result(done: tuple[str, Done]) -> None:
    name, run = done
    kinds = [line["event"] for line in run.lines]
    assert "started" in kinds
    assert "epoch" in kinds
    assert kinds[-1] == "finished"
    last = run.lines[-1]
    accuracy = last["test"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert last["seconds"] > 0
    assert [row["stage"] for row in last["audit"]] == ["stem", "layer1", "layer2", "layer3", "layer4"]
    frozen = {"freeze": 3, "probe": 5}.get(name, 0)
    assert [row["frozen"] for row in last["audit"]] == [True] * frozen + [False] * (5 - frozen)
    assert all(Path(path).is_file() for path in last["files"].values())
    assert {"weights", "run", "reproduce", "data"} <= set(last["files"])
    result = RunResult.from_json(json.loads((run.folder / "run.json").read_text()))
    assert result.test.accuracy.value == run.accuracy
    assert len(result.epochs) == result.epochs_done


def test_the_script_tests_the_same_weights_to_the_same_accuracy(done: tuple[str, Done]) -> None:
    _, run = done
    assert float(script(run.folder).split()[-1]) == pytest.approx(run.accuracy, abs=1e-4)


def test_the_script_trains_again_to_the_same_accuracy(done: tuple[str, Done]) -> None:
    _, run = done
    assert float(script(run.folder, "--train").split()[-1]) == pytest.approx(run.accuracy, abs=1e-4)


@pytest.mark.parametrize("done", ["freeze"], indirect=True)
def test_the_script_needs_nothing_of_the_lab(done: tuple[str, Done], tmp_path: Path) -> None:
    _, run = done
    moved = tmp_path / "elsewhere"
    shutil.copytree(run.folder, moved)
    with np.load(moved / "data.npz") as data:
        Image.fromarray(data["test_images"][0]).save(moved / "picture.png")
    ran = subprocess.run(
        [sys.executable, "-I", "reproduce.py", "picture.png"],
        cwd=moved,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("picture.png: ")


def test_without_json_there_is_a_summary_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "Größe.zip"
    random = np.random.default_rng(0)
    with zipfile.ZipFile(archive, "w") as file:
        for name, low in (("dark", 0), ("bright", 150)):
            for number in range(8):
                picture = io.BytesIO()
                pixels = random.integers(low, low + 100, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(picture, "PNG")
                file.writestr(f"{name}/{number}.png", picture.getvalue())
        file.writestr("dark/broken.png", b"no picture")
    assert (
        main(["finetune", "--data", str(archive), "--strategy", "linear_probe", "--image-size", "32", *TINY])
        == 0
    )
    printed = capsys.readouterr()
    assert "test accuracy   100.0 %" in printed.out
    assert "layer4          frozen" in printed.out
    assert "Left out: dark/broken.png" in printed.err
    assert "frozen: stem, layer1, layer2, layer3, layer4" in printed.err
    assert "\r" not in printed.err, "no bar where nobody watches"


# The rate rises from epoch to epoch; with this pull towards zero, weights soon change sign and grow at every step.
def test_without_a_network_named_it_is_the_one_that_comes_with_the_lab(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["finetune", "--data", "lfw-faces", "--image-size", "32", "--epochs", "1", "--device", "cpu"]
    assert main([*wanted, "--json", "--out", str(tmp_path / "out")]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    started = next(one for one in said if one["event"] == "run_started")
    assert started["config"]["backbone"] == catalogue.DEFAULT
    assert started["frozen_stages"] == ["stem", "block1", "block2"]
    assert said[-1]["test"]["accuracy"]["low"] > 0.5  # faces and background, half of each


RECKLESS = ["--lr", "10", "--weight-decay", "1", "--warm-up", "0.9", "--epochs", "12", "--batch-size", "2"]


def test_a_run_that_diverges_ends_with_the_best_epoch_before_and_says_so(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["finetune", *TINY, "--data", str(pictures), "--image-size", "32", "--device", "cpu", *RECKLESS]
    assert main([*wanted, "--json", "--out", str(tmp_path / "out")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    last = lines[-1]
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert 1 <= last["best_epoch"] <= last["epochs_done"] == len(epochs) < 12
    assert last["validation_accuracy"] == max(line["validation_accuracy"] for line in epochs)
    assert last["diverged"].startswith(f"Training diverged in epoch {len(epochs) + 1}: ")
    assert {"event": "note", "message": last["diverged"]} in lines
    kept = RunResult.from_json(json.loads((tmp_path / "out" / "run.json").read_text()))
    assert kept.diverged == last["diverged"]
    assert main(wanted) == 0
    assert "diverged        Training diverged in epoch" in capsys.readouterr().out


def test_where_the_first_epoch_diverges_it_is_one_sentence(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reckless = ["--lr", "10", "--weight-decay", "1", "--warm-up", "0", "--views", "0", "--batch-size", "2"]
    wanted = [
        "finetune",
        *TINY,
        "--data",
        "digits",
        "--per-class",
        "10",
        "--image-size",
        "32",
        "--freeze",
        "5",
    ]
    assert main([*wanted, *reckless, "--device", "cpu", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("Training diverged in its first epoch: ")
    assert said.endswith("choose a smaller learning rate than 10.")
    assert not (tmp_path / "out").exists()
