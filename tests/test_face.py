"""What ``import core`` offers to scripts, the README's lines from Python, and the examples."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import core

PROJECT = Path(__file__).resolve().parent.parent


def test_every_name_is_there_and_stays() -> None:
    for name in core.__all__:
        assert getattr(core, name) is getattr(core, name)
        assert name in dir(core)
    assert set(core._HOMES) == set(core.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        core.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="nonsense"):
        from core import nonsense  # noqa: F401


@pytest.mark.parametrize(
    ("statement", "unloaded"),
    [
        ("import core", ("torch", "numpy", "PIL")),
        ("from core import BACKBONES, DATASETS, FinetuneConfig, SweepConfig, LabError", ("torch",)),
        ("from core import open_dataset, open_picture", ("torch",)),
    ],
)
def test_what_needs_no_torch_does_not_pay_for_it(statement: str, unloaded: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; sys.exit(bool(set(sys.modules) & {set(unloaded)}))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=PROJECT).returncode == 0


def test_the_lines_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    section = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## From Python")[2]
    (lines,) = re.findall(r"(?:^ {4}.*\n|^\n)+", section.partition("\n## ")[0], re.M)[:1]
    code = "\n".join(line.removeprefix("    ") for line in lines.splitlines())
    assert code.count("core.") > 4
    exec(code, {})
    assert "%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("freeze_and_finetune", {"images_per_class": 5, "epochs": 1}, "test pictures"),
        ("every_depth", {"images_per_class": 3, "epochs": 1, "seeds": 1}, "k5"),
        ("where_it_looks", {}, "Egyptian cat"),
    ],
)
def test_examples_run(
    name: str, settings: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.import_module(f"examples.{name}").main(**settings)
    assert said in capsys.readouterr().out


def test_every_example_is_run() -> None:
    files = {file.stem for file in (PROJECT / "examples").glob("*.py")}
    assert files == {"freeze_and_finetune", "every_depth", "where_it_looks"}
