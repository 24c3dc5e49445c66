"""timm's curated networks: whole, torch-free, and as the installed timm states them."""

import subprocess
import sys

import pytest

from core import errors
from core.backbones import catalogue, timm_catalogue, timm_networks
from core.backbones.measuring import derived_entry, measure
from core.vision import timm

NAMES = timm_catalogue.NAMES
QUICK = [
    "timm:resnet10t.c3_in1k",
    "timm:mobilenetv4_conv_small.e2400_r224_in1k",
    "timm:convnextv2_atto.fcmae_ft_in1k",
    "timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k",
]


def test_there_are_many_of_many_families() -> None:
    assert len(NAMES) >= 25
    assert set(timm_catalogue.ENTRIES) == set(NAMES)  # all are measured
    families = {timm.models.model_entrypoint(name[5:].partition(".")[0]).__module__ for name in NAMES}
    assert len(families) >= 12
    assert max(entry.parameters for entry in timm_catalogue.ENTRIES.values()) < 100e6


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_whole(name: str) -> None:
    entry = catalogue.entry(name)
    assert entry.name == name
    assert entry.origin == "timm"
    assert len({stage.name for stage in entry.stages}) == entry.depth
    assert 4 <= entry.depth <= 8
    assert entry.stages[-1].channels == entry.feature_size
    assert all((entry.title, entry.about, entry.licence, entry.citation, entry.source, entry.accuracy_source))
    assert entry.download_bytes >= 4 * entry.parameters
    assert entry.head_parameters >= 0
    entry.check_size(entry.image_size)
    entry.check_size(entry.finetune_size)
    if entry.accuracy is not None:
        assert 0.5 < entry.accuracy < 0.9
        assert entry.accuracy_top5 is not None
        assert entry.accuracy_top5 > entry.accuracy


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_is_what_timm_states(name: str) -> None:
    entry, says = catalogue.entry(name), timm_networks.stated(name)
    assert (3, entry.image_size, entry.image_size) == says.input_size
    assert (entry.mean, entry.std) == (tuple(says.mean), tuple(says.std))
    assert entry.interpolation == says.interpolation
    assert entry.resize == round(entry.image_size / says.crop_pct)
    assert says.license.lower() in entry.licence.lower()
    assert entry.source_classes == len(timm_networks.class_names(name))
    assert says.hf_hub_id in entry.licence


@pytest.mark.parametrize("name", QUICK)
def test_measured_figures_are_those_of_the_network(name: str) -> None:
    assert measure(name) == catalogue.measured(name)


def test_a_licence_that_forbids_something_says_so() -> None:
    assert "forbids commercial use" in catalogue.entry("timm:convnextv2_atto.fcmae_ft_in1k").conditions
    assert catalogue.entry("timm:resnet10t.c3_in1k").conditions == ""


def test_curated_entries_need_no_torch() -> None:
    code = (
        "import sys; from core.backbones import catalogue; catalogue.entry('timm:resnet50.a1_in1k'); "
        "print([m for m in ('torch', 'torchvision', 'timm') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_timm_is_imported_when_a_network_of_its_is_asked_for() -> None:
    code = "import sys; from core.backbones import stages, weights; print('timm' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_the_entry_of_any_other_name_is_derived_alike() -> None:
    derived = derived_entry("timm:resnet10t.c3_in1k")
    curated = catalogue.entry("timm:resnet10t.c3_in1k")
    for field in (
        "parameters",
        "multiply_adds",
        "stages",
        "mean",
        "licence",
        "download_bytes",
        "image_size",
        "source",
    ):
        assert getattr(derived, field) == getattr(curated, field)
    other = catalogue.entry("timm:test_vit")
    assert other.title == "test_vit"
    assert other.accuracy is None
    assert catalogue.known("timm:test_vit") is other
    assert catalogue.known("made by hand") is None


def test_sizes_that_it_cannot_take_are_refused_in_words() -> None:
    with pytest.raises(errors.OutOfRange, match="must be a multiple of 14 pixels for DINOv2 S/14"):
        catalogue.entry("timm:vit_small_patch14_dinov2.lvd142m").check_size(225)
    with pytest.raises(errors.OutOfRange, match="must be 256 pixels for Swin transformer V2 tiny"):
        catalogue.entry("timm:swinv2_tiny_window8_256.ms_in1k").check_size(224)
    with pytest.raises(errors.OutOfRange, match="must be at least 28 pixels"):
        catalogue.entry("timm:vit_small_patch14_dinov2.lvd142m").check_size(14)


def test_networks_for_other_shapes_are_refused() -> None:
    with pytest.raises(errors.SettingsError, match="and the lab's are squares; choose another") as caught:
        timm_networks.sides("timm:vit_5b_patch16_sapiens2.fb")
    assert "\n" not in str(caught.value)
