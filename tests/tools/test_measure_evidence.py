"""What can be told without training is measured for the very draws that were trained on, each data set opened once."""

import argparse
import json
from pathlib import Path

import pytest

from core.advice import evidence
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


def test_too_few_data_sets_are_not_made_into_evidence(tmp_path: Path) -> None:
    chosen = argparse.Namespace(work=tmp_path, backbone=NETWORK)
    with pytest.raises(SystemExit, match="run measure and describe first"):
        measure_evidence.build(chosen)
    (tmp_path / f"measures-{NETWORK}.jsonl").write_text(
        json.dumps({"data": SET, "per_class": 6, "seed": 0, "chance": 0.5, "measures": {}}) + "\n"
    )
    with pytest.raises(SystemExit, match=r"Only 0 data sets .* advice needs 8 at least"):
        measure_evidence.build(chosen)
