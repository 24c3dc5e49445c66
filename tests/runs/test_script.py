"""The reproduction script: short, standalone, the same network, and the same numbers.

Whole runs and their scripts are compared in tests/cli/test_finetune.py, which has runs at hand.
"""

import ast
import dataclasses
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.backbones import catalogue, stages
from core.metrics.report import ClassificationReport, Interval
from core.runs.export.script import reproduction_script
from core.runs.kinds.finetuning_result import RunResult
from core.training.config import STRATEGIES, FinetuneConfig

CODE = re.compile(r"^# --- .*$", re.MULTILINE)  # titles name the lab's files
ALLOWED = {"torch", "torchvision", "timm", "numpy", "PIL", *sys.stdlib_module_names}


def result(config: FinetuneConfig, class_names: tuple[str, ...] = ("cat", "dog", "größer")) -> RunResult:
    entry = catalogue.entry(config.backbone)
    resolved = config.resolved(stages=len(entry.stages), image_size=entry.image_size)
    names = tuple(stage.name for stage in entry.stages)
    test = ClassificationReport(
        accuracy=Interval(value=0.5, low=0.4, high=0.6),
        top5=None,
        chance=0.5,
        macro_precision=0.5,
        macro_recall=0.5,
        macro_f1=0.5,
        classes=(),
        confusion=(),
        expected_calibration_error=0.0,
        reliability=(),
        count=10,
    )
    return RunResult(
        title='A "run"\\ of """mine$',
        config=resolved.to_json(),
        data_name="pets",
        data_fingerprint="00",
        class_names=class_names,
        images={},
        stages=names,
        frozen_stages=names[: resolved.freeze_depth],
        trainable_parameters=1,
        total_parameters=1,
        device="cpu",
        precision="float32",
        segments=(3,),
        epochs=(),
        notes=(),
        test=test,
        best_epoch=1,
        epochs_done=3,
        validation_accuracy=0.5,
        stopped_early=False,
        audit=(),
        seconds=1.0,
        seconds_by_phase={},
        images_per_second=1.0,
        peak_memory_bytes=1,
    )


def imports(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found


def undefined(text: str, folder: Path) -> str:
    """What a linter says about names that are used and not defined, or imported and not used."""
    path = folder / "reproduce.py"
    path.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--quiet", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a file defines, imports aside."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [name.id for one in targets for name in ast.walk(one) if isinstance(name, ast.Name)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategys_script_stands_alone_and_holds_what_it_uses(strategy: Any, tmp_path: Path) -> None:
    choices: list[dict[str, Any]] = [{}, {"views": 1}, {"views": 3, "label_smoothing": 0.1}]
    if strategy not in ("linear_probe", "lp_ft"):  # which solve for a linear head on fixed features
        choices.append({"mixup": 0.2, "l2_sp": 0.1, "head": "mlp", "batch_norm": "learning"})
        choices.append({"optimiser": "sgd", "views": 0, "batch_size": 1})
    for changes in choices:
        config = dataclasses.replace(
            FinetuneConfig(backbone="tiny_resnet18", strategy=strategy, epochs=3), **changes
        )
        text = reproduction_script(result(config))
        assert imports(text) <= ALLOWED
        _, program, *files = text.split("\n# --- ")
        assert program.startswith("core/runs/export/program.py")
        assert text.split(files[0])[0].count("\n") < 300, "what is read first"
        assert text.count("\n") < 1600
        assert not re.search(r"\b(errors|assert|type: ignore|core)\b", CODE.sub("", text)), "of the lab alone"
        names = [name for node in ast.parse(text).body for name in defined(node)]
        assert len(names) == len(set(names)), "nothing takes the place of something else"
        assert not undefined(text, tmp_path)


@pytest.mark.parametrize(
    ("changes", "there", "left_out"),
    [
        ({"optimiser": "sgd"}, "optim.SGD(", "optim.AdamW("),
        ({"l2_sp": 0.1}, "def pull_towards_start", "optim.SGD("),
        ({}, "optim.AdamW(", "def pull_towards_start"),
        ({"mixup": 0.2}, "def mixed", "def crop"),
        ({"views": 4}, "def crop", "def mixed"),
        ({"strategy": "gradual"}, "thawed = ", "def fit"),
        ({"strategy": "linear_probe"}, "def fit", "def train("),
        ({"strategy": "lp_ft"}, "def hold_statistics", "def recompute_statistics"),
        ({"strategy": "scratch"}, "def new_head", "def pretrained_network"),
        ({"strategy": "scratch_statistics"}, "def match_statistics", "thawed = "),
        ({"statistics": "running"}, "def freeze", "def recompute_statistics"),
        ({"backbone": "resnet18"}, "def _resnet", "TinyResNet18"),
        ({"backbone": "squeezenet1_0"}, '("fire2_4", 3, 7, 256, 8)', "def _resnet"),
    ],
)
def test_a_script_holds_the_branches_that_its_run_takes_and_no_other(
    changes: dict[str, Any], there: str, left_out: str
) -> None:
    text = reproduction_script(result(FinetuneConfig(**{"backbone": "tiny_resnet18", **changes})))
    assert there in text
    assert left_out not in text


@pytest.mark.parametrize(
    ("backbone", "library", "said"),
    [
        ("tiny_resnet18", {"torchvision"}, "PyTorch, torchvision, NumPy and Pillow alone"),
        ("resnet18", {"torchvision"}, "PyTorch, torchvision, NumPy and Pillow alone"),
        (
            "efficientnet_lite0",
            {"torchvision", "timm"},
            "PyTorch, torchvision, timm, NumPy and Pillow alone",
        ),
        ("timm:test_resnet", {"torchvision", "timm"}, "PyTorch, torchvision, timm, NumPy and Pillow alone"),
    ],
)
def test_a_script_needs_the_networks_library_and_says_so(
    backbone: str, library: set[str], said: str, tmp_path: Path
) -> None:
    text = reproduction_script(result(FinetuneConfig(backbone=backbone, strategy="scratch")))
    assert imports(text) & {"torchvision", "timm"} == library
    assert said in " ".join(str(ast.get_docstring(ast.parse(text))).split())
    assert not undefined(text, tmp_path)
    assert not re.search(r"\b(errors|assert|type: ignore|core)\b", CODE.sub("", text)), "of the lab alone"
    # By itself, also where torchvision was built for other processors than torch.
    (tmp_path / "reproduce.py").write_text(text)
    code = "import reproduce; reproduce.random_network(); print('built')"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.stdout == "built\n", ran.stderr


def test_names_of_classes_and_titles_never_become_code(tmp_path: Path) -> None:
    names = ('"]; import os; ["', "'''", "$seed", "a\nb", "{x}", "\\")
    run = result(FinetuneConfig(backbone="tiny_resnet18"), names)
    assert imports(reproduction_script(run)) <= ALLOWED
    namespace = read(run, tmp_path)
    assert namespace["CLASSES"] == list(names)
    assert namespace["config"].seed == 0


def read(run: RunResult, folder: Path) -> dict[str, Any]:
    """Read a run's script as a module; its names."""
    path = folder / "reproduce.py"
    path.write_text(reproduction_script(run), encoding="utf-8")
    return runpy.run_path(str(path), run_name="read")


@pytest.mark.parametrize("name", catalogue.BACKBONES)
def test_the_scripts_network_has_the_labs_tensors_and_knows_their_stages(name: str, tmp_path: Path) -> None:
    namespace = read(result(FinetuneConfig(backbone=name)), tmp_path)
    lab = stages.compose(name, stages.outline(name))
    # RegNet computes its widths with tensors, which "meta" cannot.
    with torch.device("cpu" if name == "regnet_y_400mf" else "meta"):
        backbone, names = namespace["random_network"]()
    assert names == stages.original_names(name)
    assert [stage.name for stage in backbone.table] == list(namespace["STAGES"])
    assert {key: value.shape for key, value in backbone.state_dict().items()} == {
        key: value.shape for key, value in lab.state_dict().items()
    }


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("tiny_resnet18", "linear"),
        ("tiny_resnet18", "mlp"),
        ("squeezenet1_1", "linear"),
        ("mobilenet_v3_small", "linear"),
        ("convnext_tiny", "linear"),
    ],
)
def test_the_scripts_network_computes_what_the_labs_does(name: str, head: Any, tmp_path: Path) -> None:
    backbone = stages.compose(name, stages.outline(name))
    stages.new_head(backbone, 3, kind=head, width=8, seed=2)
    drawn = torch.Generator().manual_seed(0)
    state = {
        key: torch.rand(value.shape, generator=drawn) * 0.1 if value.is_floating_point() else torch.ones(())
        for key, value in backbone.state_dict().items()
    }
    backbone.load_state_dict(state, assign=True)
    weights = tmp_path / "weights.safetensors"
    save_file({key: value.contiguous() for key, value in stages.to_state(backbone).items()}, weights)
    namespace = read(result(FinetuneConfig(backbone=name, head=head, head_width=8)), tmp_path)
    net = namespace["finished_network"]()
    images = torch.rand(2, 3, 64, 64, generator=drawn)
    with torch.inference_mode():
        torch.testing.assert_close(net.eval()(images), backbone.eval()(images))
        found = []
        for one in (net, backbone):
            torch.manual_seed(0)  # of dropout
            found.append(one.train()(images))
    torch.testing.assert_close(*found)


def test_the_script_finds_the_weights_that_were_downloaded_beside_it(tmp_path: Path) -> None:
    text = reproduction_script(result(FinetuneConfig(backbone="tiny_resnet18")))
    script = tmp_path / "tiny_resnet18-ab_c12 (1).py"  # as a browser calls the second download
    script.write_text(text, encoding="utf-8")
    namespace = runpy.run_path(str(script))
    with pytest.raises(SystemExit, match=r"tiny_resnet18-ab_c12\*\.safetensors is not beside this script"):
        namespace["finished_network"]()
    with pytest.raises(SystemExit, match="the ZIP that has it all"):
        namespace["read_part"]("test")
    names = ("weights.safetensors", f"{namespace['own_name']()}*.safetensors")
    (tmp_path / "another-run.safetensors").touch()
    downloaded = tmp_path / "tiny_resnet18-ab_c12.safetensors"
    downloaded.touch()
    assert namespace["beside"](*names) == downloaded.resolve()
    unpacked = tmp_path / "weights.safetensors"
    unpacked.touch()
    assert namespace["beside"](*names) == unpacked.resolve()
