"""The whole of general to specific: measured in steps, kept and read back, and what ships belongs to what is here."""

from pathlib import Path

import numpy as np
import pytest

from core.backbones import catalogue
from core.datasets.open import load
from core.events import Progress
from core.interpretation import specificity, specificity_measurement, specimen
from core.interpretation.specificity_measurement import SpecificityMeasurement, beginning, shipped, write
from core.interpretation.specificity_report import findings

SHIPPED = [name for name in catalogue.NAMES if shipped(beginning(name)) is not None]


def test_it_moves_from_the_first_step_to_the_last_and_survives_the_way_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, control = specimen.random("tiny_resnet18", seed=1), specimen.random("tiny_resnet18")
    dataset = load("everyday-patches", side=32)
    *steps, found = specificity_measurement.measure(one, control, dataset, 48)
    assert isinstance(found, SpecificityMeasurement)
    shares = [step.share for step in steps if isinstance(step, Progress)]
    assert len(shares) == len(steps)
    assert shares == sorted(shares)
    assert max(np.diff([0.0, *shares, 1.0])) < 0.2, "no step is a long way"
    monkeypatch.setattr(specificity_measurement, "FOLDER", tmp_path)
    specificity_measurement._read.cache_clear()
    question = beginning("tiny_resnet18")
    assert shipped(question) is None
    write(question, found)
    back = shipped(question)
    assert back is not None
    for measure in ("probe", "neighbours"):
        assert findings(back.report, back.classical, measure) == findings(
            found.report, found.classical, measure
        )
    assert np.array_equal(
        back.report.stages[0].trained.probe.right, found.report.stages[0].trained.probe.right
    )
    other = beginning("efficientnet_lite0")
    assert shipped(other) is None
    specificity_measurement._read.cache_clear()


def test_the_network_that_the_view_begins_with_is_measured_beforehand() -> None:
    if catalogue.DEFAULT not in SHIPPED:
        pytest.skip("not measured yet (tools/measure_specificity.py)")
    assert shipped(beginning(catalogue.DEFAULT)) is not None


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_was_measured_on_the_pictures_that_are_here(name: str) -> None:
    question = beginning(name)
    found = shipped(question)
    assert found is not None
    sample = specificity.draw_sample(load(question.data, side=question.side, fit=question.fit), question.most)
    assert (found.report.images, found.available, found.duplicates) == (
        len(sample.labels),
        sample.available,
        sample.duplicates,
    )
    assert [stage.name for stage in found.report.stages] == [one.name for one in catalogue.entry(name).stages]
    assert found.shipped.startswith("Measured on 20")
