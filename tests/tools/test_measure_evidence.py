"""What can be told without training is measured for the very draws that were trained on, each data set opened once."""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from core.advice import advisor, evidence, forecast, judge, record
from core.advice.report import Description, Measures, StageMeasures
from core.advice.tasks import TASKS
from core.backbones import catalogue
from core.metrics.report import Interval
from tools import measure_evidence

SET, NETWORK = "lfw-faces", "tiny_resnet18"


def test_each_data_set_is_opened_once_and_what_is_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = argparse.Namespace(data=None, work=tmp_path, backbone=NETWORK, weights="pretrained", only=None)
    runs = [
        {"data": SET, "per_class": 6, "seed": seed, "arm": f"k{depth}", "accuracy": 0.9, "seconds": 1.0}
        for seed in (0, 1)
        for depth in range(6)
    ]
    (tmp_path / f"runs-{NETWORK}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in runs))
    opened = []
    real = measure_evidence.open_task

    def counted(name: str, **how: object) -> object:
        opened.append(name)
        return real(name, **how)

    monkeypatch.setattr(measure_evidence, "open_task", counted)
    measure_evidence.describe(chosen)
    found = measure_evidence.rows(tmp_path / f"measures-{NETWORK}.jsonl")
    assert opened == [SET]
    assert [(row["data"], row["per_class"], row["seed"]) for row in found] == [(SET, 6, 0), (SET, 6, 1)]
    measures = evidence.measures_from_json(found[0]["measures"])
    assert (measures.images, measures.classes) == (12, 2)
    assert all(stage.probe is not None for stage in measures.stages)
    measure_evidence.describe(chosen)
    assert len(measure_evidence.rows(tmp_path / f"measures-{NETWORK}.jsonl")) == 2
    assert opened == [SET]


def test_all_pictures_are_described_once_where_every_seed_has_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = argparse.Namespace(data=None, work=tmp_path, backbone=NETWORK, weights="pretrained", only=None)
    keys = [{"data": SET, "per_class": None, "seed": seed} for seed in (0, 1)]
    (tmp_path / f"runs-{NETWORK}.jsonl").write_text(_lines(keys))
    whole = measure_evidence.open_task(SET, data=tmp_path, side=32)
    assert whole.test is None
    few = whole.train.subset(np.r_[:12, -12:0])
    parted = dataclasses.replace(whole, train=few, test=few)
    for dataset, seeds in ((parted, [0]), (dataclasses.replace(parted, test=None), [0, 1])):
        (tmp_path / f"measures-{NETWORK}.jsonl").unlink(missing_ok=True)
        monkeypatch.setattr(measure_evidence, "open_task", lambda name, dataset=dataset, **how: dataset)
        measure_evidence.describe(chosen)
        found = measure_evidence.rows(tmp_path / f"measures-{NETWORK}.jsonl")
        assert [row["seed"] for row in found] == seeds


def test_too_few_data_sets_are_not_made_into_evidence(tmp_path: Path) -> None:
    chosen = argparse.Namespace(work=tmp_path, backbone=NETWORK)
    with pytest.raises(SystemExit, match="run measure and describe first"):
        measure_evidence.build(chosen)
    (tmp_path / f"measures-{NETWORK}.jsonl").write_text(
        json.dumps({"data": SET, "per_class": 6, "seed": 0, "chance": 0.5, "measures": {}}) + "\n"
    )
    with pytest.raises(SystemExit, match=r"Only 0 data sets .* advice needs 8 at least"):
        measure_evidence.build(chosen)


def _lines(values: list[dict[str, object]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in values)


def _measures(gain: float) -> Measures:
    entry = catalogue.entry(catalogue.DEFAULT)
    return Measures(
        backbone=entry.name,
        stages=tuple(
            StageMeasures(
                stage=stage.name,
                frechet=None,
                neighbours=Interval(value=0.5 + gain * place / 10, low=0.4, high=0.9),
                logme=Interval(value=0.1, low=0.0, high=0.2),
                h_score=Interval(value=0.5, low=0.4, high=0.6),
                probe=Interval(value=0.55 + gain * place / 10, low=0.4, high=0.9),
            )
            for place, stage in enumerate(entry.stages)
        ),
        images=40,
        classes=2,
        per_class=20,
        chance=0.5,
        seconds={"features": 0.04},
    )


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """Lines of a deeper network, made by hand: photographs want everything frozen, all else the first two stages."""
    name = catalogue.DEFAULT
    depths = range(catalogue.entry(name).depth + 1)
    runs, measures = [], []
    for number, (task, known) in enumerate(TASKS.items()):
        photographs = known.similarity == "similar"
        for seed in (0, 1, 2):
            key = {"data": task, "per_class": 20, "seed": seed}
            for depth in depths:
                lost = 0.02 * (depths[-1] - depth) if photographs else 0.02 * abs(depth - 2)
                runs.append(
                    key
                    | {"arm": f"k{depth}", "accuracy": 0.9 - lost + 0.001 * seed, "seconds": 7.0 - depth}
                    | {"images": 40 + number, "classes": 2, "test": 200, "epochs": 25}
                )
            found = evidence.measures_to_json(_measures(0.6 if photographs else 0.2))
            measures.append(key | {"chance": 0.5, "measures": found})
    (tmp_path / f"runs-{name}.jsonl").write_text(_lines(runs[:-3]))  # the last case is not whole yet
    (tmp_path / f"measures-{name}.jsonl").write_text(_lines(measures))
    for module in (evidence, record):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "measured")
    cached = (evidence.load, record._read, judge.record, forecast.typical)
    for one in cached:
        one.cache_clear()
    yield argparse.Namespace(work=tmp_path, backbone=name)
    for one in cached:
        one.cache_clear()


def test_a_deeper_network_gets_evidence_advice_and_a_record_of_its_own(lines: argparse.Namespace) -> None:
    name = lines.backbone
    measure_evidence.build(lines)
    found = evidence.load(name)
    assert found is not None
    assert evidence.measured_networks() == (name,)
    assert (len(found.cells), found.image_size, found.arms[-1]) == (len(TASKS), evidence.side(name), "k6")
    assert (
        min(cell.seeds for cell in found.cells) == 2
    )  # of the case that is not whole, the whole seeds count
    photographs, scans = (
        advisor.from_description(
            Description(
                per_class=20, classes=2, similarity=similarity, difference=difference, imaging=imaging
            ),
            name,
        )
        for similarity, difference, imaging in (
            ("similar", "none", "camera"),
            ("different", "objects", "scan"),
        )
    )
    assert (photographs.arm, photographs.strategy, len(photographs.outlooks)) == ("k6", "linear_probe", 7)
    assert (scans.arm, scans.strategy) == ("k2", "freeze_to_depth")
    assert photographs.warning == scans.warning == ""
    kept = record.record(name)
    assert kept is not None
    assert (lines.work / "measured" / f"record-{name}.json").is_file()
    regret = {one.name: one.regret.value for one in kept.policies}
    assert {f"always-{depth}" for depth in range(1, 6)} < set(regret)
    assert regret["advice-all"] < regret["best-in-hindsight"] <= min(regret["full"], regret["probe"])
    # Other ImageNet networks lean on it now.
    assert (
        "borrows what was measured with EfficientNet-Lite0"
        in advisor.from_description(Description(per_class=20, classes=2), "resnet18").warning
    )
