"""The exported script trains again to the same bits: a slice of `benchmarks.exported_scripts`."""

from pathlib import Path

import pytest

from core.training import precision
from tests.runs.script_repeats import Case, cases, repeat

SLICE = (
    "linear_probe, views 4",
    "lp_ft, views 0",
    "freeze_to_depth, views 4",
    "mixup, depth 3, views 4",
    "mixup, smoothing, gradual",
    "mlp, depth 5, views 4",
    "learning, depth 3, views 1",
    "extended on its way",
    "mobilenet, scratch",
    "lite0, depth 3, views 4",
    "timm's vit, scratch",
    "stopped, lp_ft, views 4",
)
BY_NAME = {case.name: case for case in cases("squeezenet.safetensors")}
DEFAULTS = {"per_class": 12, "image_size": 32, "epochs": 2, "batch_size": 5, "seed": 3}


def check(case: Case, folder: Path) -> None:
    found = repeat(case, data="lfw-faces", defaults=DEFAULTS, folder=folder)
    assert f"{found.found:.4f}" == f"{found.reported:.4f}"
    assert found.scores == 0, "the scores of all test images, to the bit"
    assert found.weights == 0, "all weights, to the bit"


@pytest.mark.parametrize("name", SLICE)
def test_the_script_repeats_the_run_to_the_bit(name: str, tmp_path: Path) -> None:
    check(BY_NAME[name], tmp_path)


@pytest.mark.parametrize("name", ["lp_ft, depth 3, views 4", "mixup, depth 3, views 0"])
def test_also_on_a_processor_without_bfloat16(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a convolution's sums depend on how many images it sees, so that frozen stages must see as many."""
    monkeypatch.setattr(precision, "BFLOAT16_FEATURES", ())
    check(BY_NAME[name], tmp_path)


def test_the_table_has_every_strategy_and_setting_that_changes_a_run() -> None:
    changed = {name for case in BY_NAME.values() for name in case.changes}
    assert changed >= {
        "strategy", "freeze_depth", "batch_norm", "head", "batch_size", "optimiser", "learning_rate", "warm_up",
        "stage_decay", "weight_decay", "l2_sp", "label_smoothing", "mixup", "views", "cache", "patience", "backbone",
    }  # fmt: skip
    assert len(BY_NAME) >= 70
    assert sum(bool(case.parts) for case in BY_NAME.values()) >= 6
