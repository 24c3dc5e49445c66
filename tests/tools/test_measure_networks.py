"""Networks are measured once, on what a run would learn from; lines of JSON become what ships."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from core.advice import candidates, choosing, similarity
from core.advice.similarity import Images
from core.backbones.backbone import Backbone
from tools import measure_networks

SET, NETWORK = "lfw-faces", "tiny_resnet18"


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setattr(measure_networks, "NETWORKS", (NETWORK,))
    monkeypatch.setattr(measure_networks, "SEEDS", (0, 1))
    return argparse.Namespace(data=None, work=tmp_path, local=[], only=[NETWORK], sets=[SET], sizes=[6])


def test_what_is_there_is_not_measured_again_and_ships(
    chosen: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure_networks.measure(chosen)
    rows = [json.loads(line) for line in (tmp_path / "networks.jsonl").read_text().splitlines()]
    assert [(row["per_class"], row["seed"]) for row in rows] == [(6, 0), (6, 1)]
    assert all((row["images"], row["classes"], row["sample"]) == (12, 2, 12) for row in rows)
    assert all(row["truth"] > 0.6 for row in rows)  # faces against background: easy, and chance is half

    real = similarity.pooled

    def timing_alone(backbone: Backbone, images: Images, size: int | None = None) -> object:
        assert len(images) == candidates.MOST_AT_ONCE, "computed twice"
        return real(backbone, images, size)

    monkeypatch.setattr(similarity, "pooled", timing_alone)
    measure_networks.measure(chosen)
    (tmp_path / "networks.jsonl").write_text(
        json.dumps(rows[0]) + "\n"
    )  # features are kept: only the probe is fitted
    measure_networks.measure(chosen)
    again = [json.loads(line) for line in (tmp_path / "networks.jsonl").read_text().splitlines()]
    assert again == rows

    monkeypatch.setattr(choosing, "PATH", tmp_path / "networks.json")
    measure_networks.build(chosen)
    shipped = choosing.load(tmp_path / "networks.json")
    assert shipped is not None
    (case,) = shipped.cases
    assert case.accuracy[NETWORK] == tuple(row["truth"] for row in rows)
    assert shipped.sides == {NETWORK: 64}
    for seed, row in enumerate(rows):
        assert np.isclose(case.answers(NETWORK, seed).mean(), row["probe"], atol=1e-4)
