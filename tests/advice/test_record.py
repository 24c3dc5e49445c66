"""What ships as the record is what the judge says of the evidence that ships."""

import numpy as np
import pytest

from core.advice import evidence, forecast, judge, record

NETWORKS = evidence.measured_networks()


@pytest.mark.parametrize("backbone", NETWORKS)
def test_the_shipped_record_is_what_the_judge_says(backbone):
    found, table = record.record(backbone), evidence.load(backbone)
    assert record._kept(backbone) is not None, "run tools/measure_evidence.py build again"
    by_name = {one.name: one for one in found.policies}
    assert list(by_name) == list(judge.policies(table))
    for name in ("advice-described", "best-fixed", "textbook", "full"):
        judged = judge.judge(table, judge.POLICIES[name].choose)
        assert by_name[name].regret.value == pytest.approx(np.mean([one.regret for one in judged]), abs=1e-9)
    assert (found.cells, found.runs) == (len(table.cells), table.runs)


@pytest.mark.parametrize("backbone", NETWORKS)
def test_shipped_errors_are_those_of_the_forecast(backbone):
    said = ("similarity",)
    assert record.typical(backbone, "described", said) == pytest.approx(
        forecast.typical(backbone, "described", said=said)
    )


def test_another_evidence_is_judged_anew(world):
    assert record._kept("tiny_resnet18") is None
    assert record.record("tiny_resnet18").cells == len(world.cells)
    assert record.typical("tiny_resnet18", "measured")[0] > 0
    assert record.record("resnet18") is None
