"""What a file may be, judged by its bytes, and where in it the network lies; what is hostile is refused unread."""

import argparse
import collections
import datetime
import io
import types
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save as safetensors_of

from core import errors
from core.backbones import reading, values
from tests.hostile import weights as weights_files

TENSOR = torch.arange(6.0).reshape(2, 3)
STATE = {"a.weight": TENSOR, "a.bias": torch.ones(2)}


def saved(tmp_path: Path, content: bytes, name: str = "mine.pth") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def table(tmp_path: Path, content: Any) -> reading.TensorTable:
    return reading.read(saved(tmp_path, weights_files.pth(content)), "mine.pth")


def refusal(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(errors.WeightsError) as caught:
        reading.inspect(saved(tmp_path, content), "mine.pth")
    said = str(caught.value)
    assert said.startswith("mine.pth ")
    assert said.endswith(".")
    assert "\n" not in said
    return said


@pytest.mark.parametrize("place", reading.TABLES)
def test_the_usual_places_of_a_network_are_known(tmp_path: Path, place: str) -> None:
    found = table(
        tmp_path, {"epoch": 3, place: STATE, "optimizer": {"state": {0: {"step": torch.ones(900)}}}}
    )
    assert found.place == place
    assert set(found.tensors) == set(STATE)


def test_a_lightning_checkpoint_with_hyper_parameters_is_read(tmp_path: Path) -> None:
    content = {
        "epoch": 1,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {f"model.{name}": value for name, value in STATE.items()},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "monitor": "loss"}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(50)}}, "param_groups": [{"lr": 0.1}]}],
        "lr_schedulers": [],
        "hyper_parameters": {"lr": 0.1, "widths": (1, 2), "name": "resnet18", "betas": [0.9, 0.99]},
    }
    found = table(tmp_path, content)
    assert (found.place, set(found.tensors)) == ("state_dict", {"model.a.weight", "model.a.bias"})


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "beside",
    [
        argparse.Namespace(model="resnet18", lr=0.1, output=Path("runs") / "3"),  # torchvision's and timm's
        np.float64(71.5),
        [np.random.default_rng(0).random(3), np.random.get_state()],
        datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        collections.defaultdict(list, {"loss": [1.0, 0.5]}),
        {"classes": {"cat", "dog"}, "best": types.SimpleNamespace(epoch=3)},
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_training_programs_keep_beside_the_weights_is_left_unmade(
    tmp_path: Path, beside: Any, zipped: bool
) -> None:
    content = weights_files.pth({"args": beside, "state_dict": STATE}, zipped=zipped)
    found = reading.read(saved(tmp_path, content), "mine.pth")
    assert (found.place, set(found.tensors)) == ("state_dict", set(STATE))
    assert torch.equal(found.tensors["a.weight"], TENSOR)


def test_the_trained_network_is_taken_before_its_average(tmp_path: Path) -> None:
    both = table(tmp_path, {"teacher": STATE, "student": STATE})
    assert (both.place, both.also) == ("student", "teacher")


def test_tables_in_tables_and_beside_each_other(tmp_path: Path) -> None:
    large = {"b.weight": torch.ones(100, 100)}
    assert table(tmp_path, {"checkpoint": {"weights_of_it": STATE}}).place == "checkpoint.weights_of_it"
    both = table(tmp_path, {"model_ema": large, "model": STATE})
    assert (both.place, both.also) == ("model", "model_ema")
    assert table(tmp_path, {"encoder": large, "decoder": STATE}).place == "encoder"  # the largest
    mixed = table(tmp_path, {**STATE, "epoch": 3, "note": "mine"})
    assert (mixed.place, set(mixed.tensors)) == ("", set(STATE))


def test_parameters_shared_tensors_and_the_older_form_are_read(tmp_path: Path) -> None:
    content = {"a.weight": torch.nn.Parameter(TENSOR), "tied.weight": TENSOR}
    for zipped in (True, False):
        path = saved(tmp_path, weights_files.pth(content, zipped=zipped))
        found = reading.read(path, "mine.pth").tensors
        assert torch.equal(found["a.weight"], TENSOR)
        assert torch.equal(found["tied.weight"], TENSOR)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "is a PNG picture, no weights file"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "is a JPEG picture, no weights file"),
        (b"%PDF-1.7\n" + bytes(50), "is a PDF document, no weights file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file, as Keras writes them, no weights file"),
        (b"GGUF\x03\x00\x00\x00" + bytes(50), "is a GGUF file, no weights file"),
        (b"\x1f\x8b\x08" + bytes(50), "is compressed with gzip; unpack it"),
        (bytes(257) + b"ustar" + bytes(300), "is a tar archive; unpack it"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:" + bytes(50), "is an ONNX model, no weights file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"  <!DOCTYPE html><title>404</title>", "is a web page, no weights file"),
        (b"\x7fELF" + bytes(50), "is a program, no weights file"),
        (b"", "is empty"),
        (b"\x80", "cut short or damaged"),
        (bytes(4000), "cut short or damaged"),
        (b"PK\x03\x04" + bytes(50), "cut short or damaged"),
    ],
)
def test_renamed_files_are_named_for_what_they_are(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("net/data.pkl", "net/constants.pkl", "net/code/__torch__.py"),
            "is a TorchScript archive, which holds code",
        ),
        (("folder/model.pth", "folder/readme.txt"), "is a ZIP archive around a file; unpack it"),
        (("arr_0.npy",), "is a NumPy archive, no weights file"),
        (("config.json", "model.weights.h5"), "is a Keras model, no weights file"),
        (("cats/1.jpg", "dogs/1.jpg"), "is a ZIP archive without a state dict in it, no weights file"),
    ],
)
def test_other_archives_are_named_for_what_they_are(
    tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(name, b"content")
    assert said in refusal(tmp_path, packed.getvalue())


def test_a_torchscript_archive_of_torchs_own_making_is_named(tmp_path: Path) -> None:
    packed = io.BytesIO()
    network = torch.nn.Linear(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own form old
        torch.jit.save(torch.jit.trace(network, torch.ones(1, 2)), packed)
    assert "is a TorchScript archive" in refusal(tmp_path, packed.getvalue())


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("three byte arrays of 1.5 GB", "holds more than tensors (builtins.bytearray)"),
        ("300,000 entries that are nothing", "asks for more memory or time"),
        ("a pickle that never ends", "asks for more memory or time"),
        ("a thousand ZIP entries on one place", "cut short or damaged"),
        ("os.system", "holds more than tensors (posix.system)"),
        ("eval", "eval): opening it could run code"),
        ("subprocess", "check_output): opening it could run code"),
        ("a bare pickle with protocol 4", "cut short or damaged"),
        ("quantised", "holds a quantised network"),
        ("sparse", "holds sparse tensors"),
        ("sparse rows", "holds sparse tensors"),
        ("without values", "holds tensors without values"),
        ("8-bit floats", "holds numbers of type float8_e4m3fn"),
        ("a whole network", "holds more than tensors (torch.nn.modules.linear.Linear)"),
        ("an integer of a million digits", "asks for more memory or time"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, about making the case
def test_hostile_files_are_refused_by_their_form(tmp_path: Path, case: str, said: str) -> None:
    assert said in refusal(tmp_path, dict(weights_files.cases())[case]())


def test_deflated_archives_are_refused_whatever_they_hold(tmp_path: Path) -> None:
    assert "never compresses" in refusal(tmp_path, weights_files.deflated(2_000_000))
    again = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(weights_files.pth(STATE))) as source,
        zipfile.ZipFile(again, "w", zipfile.ZIP_BZIP2) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert "never compresses" in refusal(tmp_path, again.getvalue())


def test_a_header_of_too_many_tensors_is_refused_unread(tmp_path: Path) -> None:
    assert "has a header of 3 MB" in refusal(tmp_path, weights_files.million_tensors(50_000))
    with pytest.raises(errors.WeightsError, match="lists 25,000 tensors"):
        reading.header(saved(tmp_path, weights_files.million_tensors(25_000)), "mine.safetensors")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2Jconv1.weight", "a\u202eb", "n" * 501])
def test_names_that_are_no_names_are_not_repeated(tmp_path: Path, name: str) -> None:
    for content in (weights_files.pth({name: TENSOR}), safetensors_of({name: TENSOR})):
        with pytest.raises(errors.WeightsError, match=r"^mine\.pth is cut short or damaged, [^\x00-\x1f]*$"):
            reading.read(saved(tmp_path, content), "mine.pth")


def test_a_call_whose_name_is_no_name_is_not_repeated(tmp_path: Path) -> None:
    said = refusal(tmp_path, weights_files.archive(b"\x80\x02c\x1b[2J\nowned\n)R."))
    assert "holds more than tensors: opening it" in said


def test_a_tensor_that_is_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.WeightsError, match="asks for more memory or time"):
        table(tmp_path, {"a.weight": torch.ones(1).expand(5000, 5000)})


@pytest.mark.parametrize(
    "case",
    [
        "deep JSON in a header",
        "a header longer than the file",
        "a negative header",
        "offsets beyond the file",
        "a shape that overflows",
    ],
)
def test_malformed_safetensors_are_damaged(tmp_path: Path, case: str) -> None:
    with pytest.raises(errors.WeightsError, match="cut short or damaged"):
        reading.read(saved(tmp_path, dict(weights_files.cases())[case]()), "mine.safetensors")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("a.weight", torch.tensor([[1.0, torch.nan]]), "not finite"),
        ("a.weight", torch.tensor([[1.0, -torch.inf]], dtype=torch.float16), "not finite"),
        ("a.weight", torch.tensor([[1.0, 1e30]]), "as large as 1e+30"),
        ("a.weight", torch.tensor([[1.0, -1e300]], dtype=torch.float64), "as large as 1e+300"),
        ("a.weight", torch.tensor([[1.0, 3e38]], dtype=torch.bfloat16), "which no training gives"),
        ("bn.running_var", torch.tensor([1.0, -0.5]), "a variance below zero"),
        ("bn.running_var", torch.tensor([1.0, 1e20]), "which no training gives"),
        ("bn.num_batches_tracked", torch.tensor(-3), "a count of batches below zero"),
    ],
)
def test_values_that_no_training_gives_are_named(name: str, value: torch.Tensor, said: str) -> None:
    with pytest.raises(errors.WeightsError, match=f"tensor '{name}' holds .*") as caught:
        values.check(name, value, "mine.pth")
    assert said in str(caught.value)


def test_values_of_networks_pass() -> None:
    values.check("bn.running_var", torch.tensor([0.0, 1e9]), "raw 16-bit input")
    values.check("bn.num_batches_tracked", torch.tensor(10**9), "long training")
    values.check("fc.bias", torch.zeros(3), "zeros")
    values.check_learned({"bn.weight": torch.ones(3), "a.weight": TENSOR}, "mine.pth")


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_a_network_of_one_number_has_learned_nothing(number: float) -> None:
    same = {
        "a.weight": torch.full((2, 3), number),
        "b.weight": torch.full((4, 4), number),
        "a.bias": TENSOR[0],
    }
    with pytest.raises(errors.WeightsError, match="nothing was learned"):
        values.check_learned(same, "mine.pth")
