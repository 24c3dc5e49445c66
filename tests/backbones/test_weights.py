"""What comes through the door for weights, and what does not, each refusal with its own sentence."""

import os
from pathlib import Path

import pytest
import skimage.data
import torch
from safetensors.torch import save_file
from torch import Tensor

from core import errors
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.vision import torchvision

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """A full set of tensors for the built-in architecture, under the original names."""
    return stages.to_state(stages.build("tiny_resnet18", seed=11))


def fresh() -> Backbone:
    return stages.build("tiny_resnet18", seed=0)


def assert_filled(backbone: Backbone, state: State) -> None:
    assert all(torch.equal(tensor, state[key]) for key, tensor in stages.to_state(backbone).items())


# --- what gets in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("picture", "name"), [("chelsea", "Egyptian cat"), ("coffee", "espresso")])
def test_real_imagenet_weights_recognise_real_photographs(
    shared_weights: Path, picture: str, name: str
) -> None:
    backbone = stages.build("squeezenet1_0").eval()
    weights.load_pretrained(backbone, shared_weights / "squeezenet1_0-imagenet.safetensors")
    preprocess = torchvision.models.SqueezeNet1_0_Weights.IMAGENET1K_V1.transforms()
    image = torch.from_numpy(getattr(skimage.data, picture)()).permute(2, 0, 1)
    with torch.no_grad():
        guess = int(backbone(preprocess(image)[None]).argmax())
    assert weights.source_class_names(catalogue.entry("squeezenet1_0"))[guess] == name


def test_the_built_in_weights_load_by_name() -> None:
    backbone, untrained = fresh(), fresh()
    weights.load_pretrained(backbone)
    assert weights.built_in_weights_path().stat().st_size <= 7e6
    assert not torch.equal(backbone.stages["stem"].conv1.weight, untrained.stages["stem"].conv1.weight)
    assert backbone.stages["stem"].conv1.weight.dtype == torch.float32


def test_source_classes_are_named_in_output_order() -> None:
    tiny = weights.source_class_names(catalogue.entry("tiny_resnet18"))
    assert (len(tiny), len(set(tiny)), tiny[0]) == (200, 200, "Egyptian cat")
    assert len(weights.source_class_names(catalogue.entry("resnet18"))) == 1000


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_files_and_folders_of_either_kind_load(tmp_path: Path, state: State, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    for source in (path, str(path), tmp_path):
        backbone = fresh()
        weights.load_pretrained(backbone, source)
        assert_filled(backbone, state)


@pytest.mark.parametrize("wrap", ["state_dict", "model", "module."])
def test_common_wrappings_of_a_state_dict_are_taken_off(tmp_path: Path, state: State, wrap: str) -> None:
    wrapped = {f"module.{k}": v for k, v in state.items()} if wrap == "module." else {wrap: state, "epoch": 3}
    torch.save(wrapped, tmp_path / "checkpoint.pth")
    backbone = fresh()
    weights.load_pretrained(backbone, tmp_path / "checkpoint.pth")
    assert_filled(backbone, state)
    assert len(backbone.said) == 1
    assert f"'{wrap}'" in backbone.said[0]


def test_a_prefix_in_safetensors_is_taken_off_and_said(tmp_path: Path, state: State) -> None:
    save_file({f"module.{name}": value for name, value in state.items()}, tmp_path / "mine.safetensors")
    backbone = fresh()
    weights.load_pretrained(backbone, tmp_path / "mine.safetensors")
    assert_filled(backbone, state)
    assert backbone.said == ("The prefix 'module.' was taken off the names in the weights file.",)


def test_half_precision_becomes_single_and_the_old_counter_may_lack(tmp_path: Path, state: State) -> None:
    small = {key: tensor.half() for key, tensor in state.items() if "num_batches_tracked" not in key}
    save_file(small, tmp_path / "half.safetensors")
    backbone = fresh()
    weights.load_pretrained(backbone, tmp_path / "half.safetensors")
    loaded = backbone.stages["layer2"][0].conv1.weight
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, state["layer2.0.conv1.weight"].half().float())
    assert backbone.said == ("Numbers of type float16 in the weights file were turned into float32.",)


def test_of_the_weights_that_come_with_the_lab_nothing_is_told() -> None:
    backbone = fresh()
    weights.load_pretrained(backbone)
    assert backbone.said == ()


def test_a_network_that_was_fine_tuned_here_fills_the_stages(tmp_path: Path) -> None:
    tuned = stages.build("tiny_resnet18", classes=3, seed=4)
    save_file(stages.to_state(tuned), tmp_path / "tuned.safetensors")
    backbone, before = fresh(), fresh()
    weights.load_pretrained(backbone, tmp_path / "tuned.safetensors")
    for key, tensor in backbone.state_dict().items():
        expected = (before if key.startswith("head.") else tuned).state_dict()[key]
        assert torch.equal(tensor, expected), key
    assert "for 3 classes, was left out" in backbone.said[0]


@pytest.mark.parametrize(
    "name", ["last.ckpt", "best.pth.tar", "pytorch_model.bin", "no-suffix", "net.safetensors"]
)
def test_a_name_promises_nothing_the_content_decides(tmp_path: Path, state: State, name: str) -> None:
    torch.save(state, tmp_path / name, _use_new_zipfile_serialization=name != "last.ckpt")
    backbone = fresh()
    weights.load_pretrained(backbone, tmp_path / name)
    assert_filled(backbone, state)


# --- what does not ----------------------------------------------------------------------------------------


class _Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (_Intruder.target,)

    target = ""


def refusal(source: str | Path) -> str:
    """Return the one sentence, after checking that the network was left as it was."""
    backbone, untouched = fresh(), fresh().state_dict()
    with pytest.raises(errors.WeightsError) as caught:
        weights.load_pretrained(backbone, source)
    assert all(torch.equal(tensor, untouched[key]) for key, tensor in backbone.state_dict().items())
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    _Intruder.target = str(tmp_path / "was-here")
    torch.save({"fc.weight": _Intruder()}, tmp_path / "evil.pth")
    assert "could run code" in refusal(tmp_path / "evil.pth")
    assert not (tmp_path / "was-here").exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "network.pt")
    assert "save only the state dict" in refusal(tmp_path / "network.pt")


def test_the_first_tensor_of_another_shape_is_named(tmp_path: Path, state: State) -> None:
    changed = {**state, "layer3.0.conv1.weight": torch.zeros(3, 3), "fc.weight": torch.zeros(2, 256)}
    save_file(changed, tmp_path / "other.safetensors")
    text = refusal(tmp_path / "other.safetensors")
    assert "'layer3.0.conv1.weight' has shape (3, 3)" in text
    assert "needs (128, 64, 3, 3)" in text


def test_the_weights_of_another_network_are_named_for_it(tmp_path: Path) -> None:
    save_file(stages.to_state(stages.build("squeezenet1_1")), tmp_path / "weights.safetensors")
    text = refusal(tmp_path / "weights.safetensors")
    assert "does not fit tiny_resnet18" in text
    assert "looks like squeezenet1_1" in text


def test_missing_and_unknown_tensors_are_named(tmp_path: Path, state: State) -> None:
    save_file({k: v for k, v in state.items() if k != "layer1.0.bn1.bias"}, tmp_path / "less.safetensors")
    assert "it has no tensor 'layer1.0.bn1.bias'" in refusal(tmp_path / "less.safetensors")
    save_file({**state, "layer5.weight": torch.zeros(1)}, tmp_path / "more.safetensors")
    assert "that network has no tensor 'layer5.weight'" in refusal(tmp_path / "more.safetensors")


def test_values_that_are_no_numbers_are_refused(tmp_path: Path, state: State) -> None:
    save_file({**state, "fc.bias": torch.full((200,), float("nan"))}, tmp_path / "nan.safetensors")
    assert "'fc.bias' holds values that are not finite" in refusal(tmp_path / "nan.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("length", [0, 7, 300_000])
def test_truncated_files_are_refused(tmp_path: Path, state: State, suffix: str, length: int) -> None:
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".safetensors":
        save_file(state, whole)
    else:
        torch.save(state, whole)
    (tmp_path / "cut").mkdir()
    cut = tmp_path / "cut" / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[:length])
    assert "cut short or damaged" in refusal(cut)


def test_a_page_of_html_named_like_weights_is_refused(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".pth"):
        (tmp_path / f"page{suffix}").write_text("<!doctype html><title>Not found</title>" * 20)
        assert "no weights file" in refusal(tmp_path / f"page{suffix}")


def test_a_table_of_other_things_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    assert "holds no state dict" in refusal(tmp_path / "list.pth")
    torch.save({}, tmp_path / "empty.pth")
    assert "has no tensor 'conv1.weight'" in refusal(tmp_path / "empty.pth")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there are no devices here")
def test_devices_pipes_and_what_cannot_be_read_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")  # opening it would wait for ever
    for place in ("/dev/null", "/dev/zero", tmp_path / "pipe.pth"):
        assert "is a device or a pipe" in refusal(place)
    assert "There is no file or folder" in refusal(tmp_path / "pipe.pth" / "weights.pth")
    assert "cannot be read: File name too long" in refusal("a" * 5000)
    (tmp_path / "round.pth").symlink_to(tmp_path / "round.pth")
    assert "There is no file or folder" in refusal(tmp_path / "round.pth")
    if Path("/proc/self/mem").exists():  # a file by its looks, whose first page is nobody's
        assert "cannot be read: Input/output error" in refusal("/proc/self/mem")


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, state: State) -> None:
    path = tmp_path / "secret.safetensors"
    save_file(state, path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever runs this may read everything")
    assert "secret.safetensors cannot be read: Permission denied" in refusal(path)


def test_an_integer_table_that_belongs_to_the_architecture_must_be_the_networks_own(tmp_path: Path) -> None:
    backbone = stages.build("swin_t")
    changed = stages.to_state(backbone)
    name = next(key for key in changed if key.endswith("relative_position_index"))
    weights.fill(backbone, changed, "mine.pth")
    changed[name] = changed[name] + 1000  # would point outside the table of biases
    with pytest.raises(errors.WeightsError, match=f"'{name}' belongs to another architecture"):
        weights.fill(backbone, changed, "mine.pth")


def test_places_without_one_file_are_refused(tmp_path: Path, state: State) -> None:
    assert "There is no file or folder" in refusal(tmp_path / "nowhere.pth")
    assert "holds no .safetensors or .pth file" in refusal(tmp_path)
    (tmp_path / "readme.txt").write_text("nothing")
    assert "neither a .safetensors nor a .pth" in refusal(tmp_path / "readme.txt")
    save_file(state, tmp_path / "a.safetensors")
    save_file(state, tmp_path / "b.safetensors")
    assert "several weights files (a.safetensors, b.safetensors)" in refusal(tmp_path)


def test_a_replaced_head_is_too_late() -> None:
    with pytest.raises(errors.SettingsError, match="before the head is replaced"):
        weights.load_pretrained(stages.build("tiny_resnet18", classes=4))
