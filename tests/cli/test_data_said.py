"""What the command line says of the data: classes before anything is trained, caveats beside every accuracy."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.runs.kinds.finetuning_result import RunResult

COMMANDS = {
    "finetune": ["--backbone", "tiny_resnet18", "--strategy", "linear_probe", "--image-size", "32"],
    "sweep": [
        "--backbone",
        "tiny_resnet18",
        "--image-size",
        "32",
        "--epochs",
        "1",
        "--seeds",
        "2",
        "--device",
        "cpu",
    ],
    "advise": ["--backbone", "tiny_resnet18", "--probe"],
}


def noise(low: int, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(low, low + 100, (24, 24, 3), dtype=np.uint8)
    return png(pixels)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return str(path)


def classes(prefix: str, names: dict[str, int], each: int, seed: int) -> dict[str, bytes]:
    return {
        f"{prefix}{name}/{number}.png": noise(low, seed + 50 * low + number)
        for name, low in names.items()
        for number in range(each)
    }


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Parts under other names; a test part that lacks a class, repeats a picture and spells one otherwise."""
    files = classes("d/seg_train/", {"Dark": 0, "bright": 150, "middle": 80}, 8, 0)
    files |= classes("d/seg_test/", {"dark": 0, "bright": 150}, 4, 9000)
    files["d/seg_test/bright/again.png"] = files["d/seg_train/bright/0.png"]
    return archive(tmp_path_factory.mktemp("zip") / "repeated.zip", files)


CAVEATS = ("1 of the 9 pictures of the test part is also in the training part", "no picture of “middle”")


@pytest.mark.parametrize("command", COMMANDS)
def test_classes_are_named_before_training_and_caveats_beside_the_accuracy(
    command: str, repeated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--data", repeated, *COMMANDS[command]]) == 0
    printed = capsys.readouterr()
    before = printed.err
    assert "3 classes: Dark 8 + 4 test, bright 8 + 4 test, middle 8 + 0 test" in before
    assert "seg_train for train, seg_test for test" in before
    assert "“dark” and “Dark” are spelt differently" in before
    for caveat in CAVEATS:
        assert caveat in before
        assert caveat in printed.out  # where the accuracy is said


@pytest.mark.parametrize("command", COMMANDS)
def test_json_says_the_same(
    command: str, repeated: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path / "out")] if command == "finetune" else []
    assert main([command, "--data", repeated, *COMMANDS[command], *out, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [line["event"] for line in lines]
    data = lines[kinds.index("data")]
    assert data["classes"] == [
        {"name": "Dark", "train": 8, "test": 4},
        {"name": "bright", "train": 8, "test": 4},
        {"name": "middle", "train": 8, "test": 0},
    ]
    assert not {"started", "sweep_started", "advice", "epoch"} & set(kinds[: kinds.index("data")])
    notes = [line["message"] for line in lines if line["event"] == "note"]
    assert notes[0] == (
        "Left out: d/seg_test/bright/again.png. The same picture is in the training part (d/seg_train/bright/0.png)."
    )
    last = lines[-1]
    caveats = last["test"]["caveats"] if command == "finetune" else last["caveats"]
    assert set(caveats) < set(notes)
    assert all(said in one for said, one in zip(CAVEATS, caveats, strict=True))
    if command == "finetune":
        assert [one["recall"] is None for one in last["test"]["classes"]] == [False, False, True]
        assert last["test"]["chance"] == 0.5
        result = RunResult.from_json(json.loads((tmp_path / "out" / "run.json").read_text("utf-8")))
        assert list(result.test.caveats) == caveats


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("alike", ["all", "each class"])
def test_identical_pictures_are_one_sentence(
    command: str, alike: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    black = np.zeros((24, 24, 3), np.uint8)
    files = {
        f"{name}/{number}.png": png(black + (place if alike == "each class" else 0))
        for place, name in enumerate(("a", "b"))
        for number in range(8)
    }
    path = archive(tmp_path / "black.zip", files)
    assert main([command, "--data", path, *COMMANDS[command]]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert "are the same one" in said or "only 1 different picture" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_that_hardly_differ_end_in_a_number_or_a_sentence(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {}
    for place, name in enumerate(("a", "b")):
        for number in range(6):
            black = np.zeros((24, 24, 3), np.uint8)
            black[number, place, 0] = 1
            files[f"{name}/{number}.png"] = png(black)
    path = archive(tmp_path / "black.zip", files)
    assert main([command, "--data", path, *COMMANDS[command]]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_labels_that_disagree_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = classes("", {"dark": 0, "bright": 150}, 10, 0)
    files |= {f"bright/copy{number}.png": files[f"dark/{number}.png"] for number in range(3)}
    path = archive(tmp_path / "twice.zip", files)
    assert main(["finetune", "--data", path, *COMMANDS["finetune"]]) == 0
    printed = capsys.readouterr()
    sentence = "3 pictures lie in more classes than one (“dark” and “bright”): labels disagree."
    assert sentence.replace("“dark” and “bright”", "“bright” and “dark”") in printed.out
    assert "neither chosen nor tested on" in printed.out
