"""Every option of every command with odd values: one sentence that names the option, and never a traceback."""

import dataclasses
import os
import random
from pathlib import Path

import pytest

from core.backbones.catalogue import BACKBONES
from core.cli import main
from core.commands.options import option_of
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

NUMBERS = (
    *("-1", "0", "1", "-0", "0.5", "-0.5", "1e-30", "1e308", "1e400", "-1e400", "nan", "inf", "-inf"),
    *("64", "99", "2147483647", "2147483648", "9" * 30, "9" * 5000, "1_0", "0x10", "١", "1e3", "+-1"),
)
WORDS = (
    *(
        "",
        "  ",
        "a\0b",
        "a\nb",
        "\x1b[31m",
        "n" * 5000,
        "Größe",
        "中文",
        "\udcff",
        "%s",
        "{}",
        "--",
        "-",
        "None",
    ),
    *("/", ".", "..", "/dev/null", "/dev/full", "/dev/zero", "/proc/self/mem", "~nobody-of-this-name/x"),
    *("auto:1", "cuda:99", "cuda:-1", "cuda:", "CUDA", "cpu:7", "cpu:", "auto ", "alexnet", "vit_b_16"),
)
SETTINGS = {
    "finetune": [field.name for field in dataclasses.fields(FinetuneConfig) if field.name != "cache"],
    "sweep": [
        field.name for field in dataclasses.fields(SweepConfig) if field.name not in ("lp_ft", "racing")
    ],
    "advise": ["backbone", "weights", "per_class", "seed"],
}
EACH = 9  # values tried of each option


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command line on what cannot work; its one sentence."""
    status = main(arguments)
    printed = capsys.readouterr()
    said = [one if len(one) < 50 else f"{one[:20]}…" for one in arguments]
    assert status == 2, (said, printed.err)
    assert printed.out == "", said
    assert printed.err.count("\n") == 1, said
    assert printed.err.rstrip("\n").isprintable(), said
    assert len(printed.err) < 900, said
    for word in ("Traceback", "defect of the lab", "Warning", "Errno"):
        assert word not in printed.err, said
    return printed.err


@pytest.mark.parametrize("command", SETTINGS)
def test_odd_values_of_every_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The data are missing, so that a value which is right after all is refused for that, at once."""
    chance = random.Random(command)
    for setting in SETTINGS[command]:
        option = option_of(setting)
        for value in chance.sample(NUMBERS + WORDS, EACH):
            sentence = refused([command, f"{option}={value}", "--data", "missing.zip"], capsys)
            assert option in sentence or "missing.zip" in sentence or setting in ("backbone", "device"), (
                option,
                value,
                sentence,
            )


@pytest.mark.parametrize("command", ["finetune", "sweep", "advise"])
def test_odd_data(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.zip").touch()
    (tmp_path / "loop").symlink_to("loop")
    places = [str(path) for path in tmp_path.iterdir()]
    for value in (
        "",
        "  ",
        "a\0b",
        "n" * 5000,
        "\udcff",
        "/dev/null",
        "/dev/zero",
        "/proc/self/mem",
        "~nobody9/x",
        *places,
    ):
        refused([command, f"--data={value}"], capsys)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_odd_archives(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for value in (*WORDS, "x" * 5000 + ".tar", "nowhere/x.tar.gz", "/dev/null/x.tar"):
        refused([command, "--", value], capsys)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("advise --data x.zip --seed -1", "--seed must lie between 0 and 2,147,483,647; it is -1."),
        ("advise --data x.zip --per-class 0", "--per-class must lie between 1 and 1,000,000; it is 0."),
        ("advise --data x.zip --per-class -5", "--per-class must lie between 1 and 1,000,000; it is -5."),
        ("finetune --data x.zip --epochs 0", "--epochs must lie between 1 and 1000; it is 0."),
        ("finetune --data x.zip --lr nan", "--lr must lie between 0 and 10; it is nan."),
        ("finetune --data x.zip --lr 1e400", "--lr must lie between 0 and 10; it is inf."),
        (
            "sweep --data x.zip --first-seed -3",
            "--first-seed must lie between 0 and 2,147,483,647; it is -3.",
        ),
        (
            "finetune --data x.zip --freeze 99",
            "--freeze must lie between 0 and 6, since efficientnet_lite0 has 6 stages; it is 99.",
        ),
        (
            "finetune --data x.zip --freeze -1 --backbone vgg16",
            f"--freeze must lie between 0 and {BACKBONES['vgg16'].depth}, since vgg16 has "
            f"{BACKBONES['vgg16'].depth} stages; it is -1.",
        ),
        (
            "sweep --data x.zip --image-size 8 --backbone densenet121",
            "--image-size must be at least 29 pixels for DenseNet-121; it is 8.",
        ),
        (
            "finetune --data x.zip --image-size 64 --backbone vit_b_16",
            "--image-size must be 224 pixels for Vision transformer B/16, which takes no other images; it is 64.",
        ),
        (
            "finetune --data x.zip --device auto:1",
            "--device must be auto, cpu, cuda, or one GPU by its number, as in cuda:0; 'auto:1' is none of them.",
        ),
        ("technique zero-shot --seeds 1", "--seeds must lie between 2 and 20; it is 1."),
        ("technique zero-shot --set seeds=1", "--set seeds must lie between 2 and 20; it is 1."),
        ("technique zero-shot --set per_class=many", "--set per_class must be a number; 'many' is none."),
        ("technique domain-adaptation --set =3", "'' is none of them."),
    ],
)
def test_limits_name_the_option_as_typed(
    arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(arguments.split(), capsys)


def test_a_gpu_that_is_not_there(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("finetune", "sweep"):
        said = refused([command, "--data", str(pictures), "--device", "cuda:99"], capsys)
        assert "This machine offers no CUDA device" in said or "no GPU of number 99" in said


@pytest.mark.parametrize(
    "command", ["finetune --strategy linear_probe", "finetune --epochs 1", "sweep", "advise"]
)
def test_pictures_that_are_all_the_same(
    command: str, the_same_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused([*command.split(), "--data", str(the_same_pictures)], capsys)
    assert said.startswith("All 16 pictures are the same one, so there is nothing to tell apart")
    assert said.count("\n") == 1
