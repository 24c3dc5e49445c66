"""What the atlas says of channels and photographs, against arithmetic by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.backbones import catalogue, weights
from core.interpretation import specimen
from core.interpretation.atlas import CLASSES
from core.interpretation.feature_visualisation import Ascent
from tools import build_atlas

LABELS = np.array([0, 0, 1, 1, 2, 2])
ANSWERS = np.array([[1, 0], [3, 0], [0, 4], [0, 6], [1, 2], [1, 0]], dtype=np.float32)


def test_class_means_and_selectivity_are_the_plain_formulas() -> None:
    means = build_atlas.class_means(ANSWERS, LABELS)
    np.testing.assert_allclose(means, [[2, 0], [0, 5], [1, 1]])
    np.testing.assert_allclose(build_atlas.selectivity(means), [1 / np.sqrt(2 / 3), 3 / np.sqrt(14 / 3)])
    assert build_atlas.selectivity(np.ones((3, 1))).tolist() == [0]


def test_classes_without_photographs_are_left_out_and_the_others_keep_their_numbers() -> None:
    head = np.ones((1000, 2), dtype=np.float32)
    labels = np.array([281, 281, 7, 7, 999, 999])
    first, _ = build_atlas.rows(np.array([7.0, 8.0], dtype=np.float32), ANSWERS, labels, head)
    assert first["fires_for"] == [[281, 2.0], [999, 1.0], [7, 0.0]]


def test_a_row_names_best_classes_photographs_and_head_weights() -> None:
    head = np.array([[0.5, -1], [0.1, 2], [0.9, 0]], dtype=np.float32)
    first, second = build_atlas.rows(np.array([7.0, 8.0], dtype=np.float32), ANSWERS, LABELS, head)
    assert first["fires_for"] == [[0, 2.0], [2, 1.0], [1, 0.0]]
    assert (first["value"], first["best_photograph"], first["mean_photograph"]) == (7.0, 3.0, 1.0)
    assert second["speaks_for"] == [[1, 2.0], [2, 0.0], [0, -1.0]]


def test_photographs_are_measured_as_the_aim_says() -> None:
    one = specimen.random("tiny_resnet18")
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    aims = {"stem": "centre", "layer3": "mean", CLASSES: "mean"}
    found = build_atlas.photographs(one, images, aims)
    maps = {stage: specimen.activations(one, images, stage) for stage in ("stem", "layer3")}
    near = {"rtol": 0.03, "atol": 0.03}  # bfloat16 where the processor has it
    np.testing.assert_allclose(found["stem"], maps["stem"].max(axis=(2, 3)), **near)
    np.testing.assert_allclose(found["layer3"], maps["layer3"].mean(axis=(2, 3)), **near)
    with torch.inference_mode():
        np.testing.assert_allclose(found[CLASSES], one.backbone(one.input(images)), **near)


def test_an_interrupted_stage_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = specimen.random("tiny_resnet18")
    monkeypatch.setattr(build_atlas, "BATCH", 2)
    ascent = Ascent(side=16, steps=1, report_every=1)
    whole, values = build_atlas.draw(one, "stem", 5, ascent, tmp_path / "a")
    build_atlas.draw(one, "stem", 2, ascent, tmp_path / "b")  # one batch, then the power failed
    kept = tmp_path / "b" / "stem-0.npz"
    before = kept.stat().st_mtime_ns
    again, same = build_atlas.draw(one, "stem", 5, ascent, tmp_path / "b")
    assert kept.stat().st_mtime_ns == before
    assert np.array_equal(whole, again)
    assert np.array_equal(values, same)
    assert build_atlas.drafts_of(tmp_path, "a", ascent) != build_atlas.drafts_of(tmp_path, "b", ascent)


def test_people_find_imagenets_classes_by_everyday_words() -> None:
    names = weights.source_class_names(catalogue.entry("efficientnet_lite0"))
    called = {
        word: {names[number] for numbers in ranges for number in numbers}
        for word, ranges in build_atlas.EVERYDAY.items()
    }
    assert {"Chihuahua", "golden retriever", "Mexican hairless"} <= called["dog"]
    assert "timber wolf" not in called["dog"]
    assert len(called["dog"]) == 118
    assert {"tabby", "Egyptian cat", "lion", "cheetah"} <= called["cat"]
    assert called["motorcycle"] == {"moped", "motor scooter"}
    assert called["bridge"] == {"steel arch bridge", "suspension bridge", "viaduct"}
    assert called["spider"] == {
        "black and gold garden spider",
        "barn spider",
        "garden spider",
        "black widow",
        "tarantula",
        "wolf spider",
    }
    assert called["coffee"] == {"coffee mug", "coffeepot", "espresso maker", "espresso"}
    assert called["flower"] == {"daisy", "yellow lady's slipper"}


def test_colours_are_measured_in_logits() -> None:
    images = np.zeros((2, 1, 1, 3), dtype=np.uint8)
    images[1] = (255, 0, 255)
    mean, covariance = build_atlas.colour_statistics(images)
    most = np.log(0.99 / 0.01)
    np.testing.assert_allclose(mean, [0, -most, 0], atol=1e-9)
    np.testing.assert_allclose(covariance[0], [most**2, 0, most**2], atol=1e-9)


def test_tiles_stand_on_the_sheet_in_order() -> None:
    pictures = np.stack([np.full((16, 16, 3), 10 * number, dtype=np.uint8) for number in range(5)])
    image, columns = build_atlas.sheet(pictures)
    assert (columns, image.size) == (3, (3 * build_atlas.TILE, 2 * build_atlas.TILE))
    assert image.getpixel((build_atlas.TILE, build_atlas.TILE)) == (40, 40, 40)


def test_a_finished_stage_is_kept_until_weights_or_settings_change(tmp_path: Path) -> None:
    one = specimen.random("tiny_resnet18")
    ascents = {"stem": build_atlas.ascent_for(one, "stem", 8, 0)}
    (tmp_path / "stem.webp").write_bytes(b"sheet")
    digest = build_atlas.hashlib.sha256(b"sheet").hexdigest()
    settings = build_atlas.settings_of(ascents["stem"])
    part = {"sheet": {"file": "stem.webp", "sha256": digest, "settings": settings}}
    text = build_atlas.json.dumps({"weights_sha256": "w", "stages": {"stem": part}})
    (tmp_path / "index.json").write_text(text, encoding="utf-8")
    assert list(build_atlas.finished(tmp_path, "w", ascents)) == ["stem"]
    assert not build_atlas.finished(tmp_path, "other", ascents)
    assert not build_atlas.finished(tmp_path, "w", {"stem": build_atlas.ascent_for(one, "stem", 9, 0)})
    (tmp_path / "stem.webp").write_bytes(b"cut")
    assert not build_atlas.finished(tmp_path, "w", ascents)
