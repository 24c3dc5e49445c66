"""The atlas that ships: complete, small, of the weights that ship; and how it is searched."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.backbones import catalogue, weights
from core.errors import DataError, SettingsError
from core.interpretation import atlas
from core.interpretation.atlas import CLASSES, Atlas

MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def shipped() -> Atlas:
    return atlas.load(catalogue.BUILT_IN)


def test_it_was_made_of_the_weights_that_ship(shipped: Atlas) -> None:
    content = weights.built_in_weights_path().read_bytes()
    assert shipped.weights_sha256 == hashlib.sha256(content).hexdigest()


def test_every_channel_and_every_class_has_a_picture_of_its_own(shipped: Atlas) -> None:
    entry = catalogue.entry(catalogue.BUILT_IN)
    counts = {stage.name: stage.channels for stage in entry.stages} | {CLASSES: entry.source_classes}
    assert shipped.stages == tuple(counts)
    for stage, count in counts.items():
        tiles = shipped.tiles(stage)
        side = shipped.sheets[stage].tile
        assert tiles.shape == (count, side, side, 3)
        assert len(shipped.entries[stage]) == count
        assert (tiles.reshape(count, -1).std(axis=1) > 2).all()
        assert len(np.unique(tiles.reshape(count, -1), axis=0)) == count


def test_all_of_it_is_small(shipped: Atlas) -> None:
    assert sum(path.stat().st_size for path in atlas.DATA.glob("*/*")) <= MOST_BYTES


def test_pictures_excite_their_channels_more_than_photographs_do(shipped: Atlas) -> None:
    for stage in shipped.stages:
        ratios = [entry.ratio for entry in shipped.entries[stage] if entry.ratio is not None]
        assert np.median(ratios) > 1, stage


def test_words_find_classes_first_then_channels_that_fire_for_them(shipped: Atlas) -> None:
    found = shipped.search("German shepherd")
    assert found[0].name == "German shepherd"
    assert all("German shepherd" in dict(one.fires_for) for one in found[1:])
    dogs = {one.name for one in shipped.search("dog") if one.stage == CLASSES}
    assert dogs == {
        "Chihuahua",
        "German shepherd",
        "Labrador retriever",
        "Yorkshire terrier",
        "golden retriever",
        "standard poodle",
    }
    by_other_name = [one.name for one in shipped.search("Danaus") if one.stage == CLASSES]
    assert by_other_name == ["monarch"]


def test_a_word_that_is_a_whole_name_comes_before_one_that_begins_so(shipped: Atlas) -> None:
    found = [one.name for one in shipped.search("car") if one.stage == CLASSES]
    assert set(found[:5]) == {"beach wagon", "convertible", "limousine", "police van", "sports car"}
    assert "cardigan" in found[5:]


def test_stage_and_number_find_one_channel(shipped: Atlas) -> None:
    (only,) = shipped.search("Layer4 17")
    assert (only.stage, only.number) == ("layer4", 17)
    assert len(shipped.search("layer2")) == 64
    assert {one.stage for one in shipped.search("layer4 monarch")} <= {"layer4"}
    assert len(shipped.search("")) == 712
    assert shipped.search("zeppelin quark") == ()


def test_only_the_last_stage_speaks_for_classes(shipped: Atlas) -> None:
    assert len(shipped.entry("layer4", 0).speaks_for) == 5
    assert shipped.entry("layer3", 0).speaks_for == ()
    with pytest.raises(SettingsError, match="channel of layer3"):
        shipped.entry("layer3", 128)


def test_a_missing_a_damaged_and_a_foreign_atlas_each_say_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="resnet18 has no atlas"):
        atlas.load("resnet18")
    ours = tmp_path / catalogue.BUILT_IN
    shutil.copytree(atlas.DATA / catalogue.BUILT_IN, ours)
    shutil.copytree(ours, tmp_path / "resnet34")
    with pytest.raises(DataError, match=r"resnet34 cannot be shown: its folder holds that of tiny_resnet18"):
        atlas.load("resnet34", tmp_path)
    (ours / "stem.webp").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"stem\.webp cannot be read.*--backbone tiny_resnet18"):
        atlas.load(catalogue.BUILT_IN, tmp_path).tiles("stem")
    index = json.loads((ours / atlas.INDEX).read_text(encoding="utf-8"))
    del index["stages"]["layer1"]
    (ours / atlas.INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert "layer1" not in atlas.load(catalogue.BUILT_IN, tmp_path).stages  # not made yet
    del index["stages"]["stem"]["rows"][0]["value"]
    (ours / atlas.INDEX).write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        atlas.load(catalogue.BUILT_IN, tmp_path)
