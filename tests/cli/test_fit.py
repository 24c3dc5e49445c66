"""Wide pictures and deep ones by the command line: what was done is said, goes with the run, and holds for new ones."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.images.to_rgb import PictureReading
from core.runs.kinds.finetuning_result import RunResult
from core.runs.networks import Networks

TINY = ["--backbone", "tiny_resnet18"]
QUICK = [*TINY, "--strategy", "linear_probe", "--image-size", "64"]


def wide(label: int, number: int, form: str = "PNG") -> bytes:
    """A disc or a square at the left edge of a picture four times as wide as high."""
    random = np.random.default_rng(10 * number + label)
    pixels = random.integers(60, 90, (60, 240)).astype(np.uint8)
    rows, columns = np.indices(pixels.shape)
    top = 10 + number % 12
    inside = (rows - top - 15) ** 2 + (columns - 20) ** 2 < 15**2
    if label:
        inside = (abs(rows - top - 15) < 13) & (abs(columns - 20) < 13)
    pixels[inside] = 230
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def archive(path: Path, content: Any, each: int = 16) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for label, name in enumerate(("disc", "square")):
            for number in range(each):
                packed.writestr(f"{name}/{number}.png", content(label, number))
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def notes(printed: list[dict[str, Any]]) -> str:
    return " ".join(one["message"] for one in printed if one["event"] == "note")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("wide") / "wide.zip", wide)


def test_a_cropped_set_is_warned_of_in_text_and_json(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetune", "--data", str(pictures), *QUICK]) == 0
    assert "On average 75 % of a picture is cut away" in capsys.readouterr().err
    assert main(["finetune", "--data", str(pictures), *QUICK, "--json"]) == 0
    printed = lines(capsys.readouterr().out)
    assert "On average 75 % of a picture is cut away" in notes(printed)
    assert "--fit pad" in notes(printed)
    started = next(one for one in printed if one["event"] == "started")
    assert started["reading"] == {"fit": "crop", "counts": None, "shares": None}
    # What tells the classes apart is gone: not much better than a coin.
    assert printed[-1]["test"]["accuracy"]["value"] <= 0.75


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_a_padded_or_squashed_set_is_learned_and_new_pictures_are_read_alike(
    fit: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["finetune", "--data", str(pictures), *QUICK, "--fit", fit, "--json", "--out", str(out)]
    assert main(arguments) == 0
    printed = lines(capsys.readouterr().out)
    assert "cut away" not in notes(printed)
    assert printed[-1]["test"]["accuracy"]["value"] == 1.0
    result = RunResult.from_json(json.loads((out / "run.json").read_text(encoding="utf-8")))
    assert result.rule == PictureReading(fit=fit)
    networks = Networks()
    for label in (0, 1):
        for form in ("PNG", "TIFF"):
            assert networks.probabilities(out, result, wide(label, 77, form)).argmax() == label


def test_a_result_from_before_there_was_a_choice_was_cropped(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["finetune", "--data", str(pictures), *QUICK, "--out", str(out)]) == 0
    values = json.loads((out / "run.json").read_text(encoding="utf-8"))
    del values["reading"]
    assert RunResult.from_json(values).rule == PictureReading()


def test_sweep_and_advise_take_the_choice_too(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", *TINY, "--data", str(pictures), "--json"]) == 0
    assert "cut away" in notes(lines(capsys.readouterr().out))
    assert main(["advise", *TINY, "--data", str(pictures), "--fit", "squash"]) == 0
    assert "cut away" not in capsys.readouterr().err
    arguments = [
        "sweep",
        *TINY,
        "--data",
        str(pictures),
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--image-size",
        "32",
    ]
    assert main([*arguments, "--fit", "pad", "--json"]) == 0
    printed = lines(capsys.readouterr().out)
    started = next(one for one in printed if one["event"] == "sweep_started")
    assert started["reading"]["fit"] == "pad"


def test_a_fit_that_is_none_is_refused(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "--data", str(pictures), "--fit", "stretch"]) == 2
    assert "crop" in capsys.readouterr().err


def deep(form: str, bits: int) -> Any:
    """Two brightnesses of one and the same noise: nothing but the level tells them apart."""

    def content(label: int, number: int) -> bytes:
        random = np.random.default_rng(number)
        level = (0.25, 0.6)[label] * 2**bits
        values = (level * random.uniform(0.9, 1.1, (40, 40))).astype(np.uint16)
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, form)
        return stream.getvalue()

    return content


@pytest.mark.parametrize("bits", [12, 16])
def test_brightness_is_learned_from_deep_pictures_of_every_format(
    bits: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = {}
    for form in ("PNG", "TIFF", "JPEG2000"):
        pictures = archive(tmp_path / f"{form}.zip", deep(form, bits))
        out = tmp_path / form
        assert main(["finetune", "--data", str(pictures), *QUICK, "--json", "--out", str(out)]) == 0
        printed = lines(capsys.readouterr().out)
        assert f"values from 0 to {2**bits - 1:,} became black to white" in notes(printed)
        results[form] = printed[-1]["test"]["accuracy"]["value"]
        result = RunResult.from_json(json.loads((out / "run.json").read_text(encoding="utf-8")))
        assert result.rule == PictureReading(counts=(0, 2**bits - 1))
        assert f"values from 0 to {2**bits - 1:,} became black to white" in " ".join(result.notes)
        for label in (0, 1):  # a single dark picture uses fewer bits than the set did
            assert Networks().probabilities(out, result, deep(form, bits)(label, 99)).argmax() == label
    assert results == {"PNG": 1.0, "TIFF": 1.0, "JPEG2000": 1.0}
