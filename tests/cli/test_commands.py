"""Listings, options, and bad input: one sentence on standard error, exit status 2."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.backbones.catalogue import BACKBONES
from core.backbones.timm_catalogue import ENTRIES
from core.cli import main
from core.datasets.catalogue import DATASETS
from core.training.config import FinetuneConfig


@pytest.mark.parametrize(("command", "table"), [("backbones", BACKBONES | ENTRIES), ("datasets", DATASETS)])
def test_listings_name_everything(
    command: str, table: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in table)
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(table)
    assert all(row["licence"] and row["citation"] for row in rows)


def test_listings_do_not_wait_for_torch() -> None:
    code = (
        "import sys; from core.cli import main\n"
        "main(['backbones']); main(['datasets']); print('torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False"


def test_every_setting_has_an_option_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["finetune", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(FinetuneConfig):
        assert field.metadata["help"][:30] in text
    wanted = (
        "data backbone weights strategy freeze per-class epochs batch-size lr image-size seed device out json"
    )
    for option in wanted.split():
        assert f"--{option} " in text or f"--{option}]" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["dance"], "dance"),
        (["backbones", "--colour"], "--colour"),
        (["finetune"], "--data"),
        (["finetune", "--data", "nothing"], "digits"),
        (["finetune", "--data", "missing.zip"], "missing.zip"),
        (["finetune", "--data", "digits", "--epochs", "many"], "many"),
        (["finetune", "--data", "digits", "--epochs", "0"], "epochs"),
        (["finetune", "--data", "digits", "--strategy", "magic"], "linear_probe"),
        (["finetune", "--data", "digits", "--backbone", "alexnet"], "squeezenet1_0"),
        (["finetune", "--data", "digits", "--freeze", "9"], "between 0 and 6"),
        (["finetune", "--data", "digits", "--freeze", "1", "--strategy", "full"], "freeze_to_depth"),
        (["finetune", "--data", "digits", "--device", "tpu"], "cuda"),
        (["finetune", "--data", "digits", "--weights", "missing.pth"], "missing.pth"),
        (["finetune", "--data", "digits", "--out", "/dev/null/folder"], "--out"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.endswith(".\n")


def test_the_module_runs_as_a_command() -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-m", "core", "finetune", "--data", "nothing", "--json"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("There is no data set 'nothing'")
