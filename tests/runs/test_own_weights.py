"""A visitor's weights file is checked before it is kept, kept as plain tensors, and takes room."""

import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from core.errors import RunError, WeightsError
from core.runs import own_weights, uploads
from core.runs.queue import housekeeping
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from tests.hostile import weights as weights_files

DAY = 86_400
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return weights_files.state()


def keep(store: Store, content: bytes, name: str = "mine.safetensors", visitor: str = "ann") -> Path:
    return Path(own_weights.store(store, visitor, "tiny_resnet18", name, content))


def left(store: Store) -> list[Path]:
    """All files beside the database."""
    return [path for path in store.home.rglob("*") if path.is_file() and ".sqlite3" not in path.name]


def test_a_fitting_file_is_kept_under_its_hash(store: Store, state: State) -> None:
    content = save(state)
    path = keep(store, content, "my net.safetensors")
    assert store.home in path.parents
    assert path.read_bytes() == content
    assert keep(store, content, "again.safetensors") == path
    assert [one.name for one in store.weights.of("ann")] == ["my net.safetensors"]
    assert left(store) == [path]


def test_of_a_checkpoint_the_network_is_kept_as_plain_tensors_and_what_was_done_is_said(
    store: Store, state: State
) -> None:
    inner = {f"_orig_mod.module.{name}": value for name, value in state.items()}
    inner["_orig_mod.module.fc.weight"] = torch.ones(7, 256)
    inner["_orig_mod.module.fc.bias"] = torch.ones(7)
    moments = {number: {"exp_avg": value + 1} for number, value in enumerate(state.values())}
    content = weights_files.pth({"model_state_dict": inner, "optimizer": {"state": moments}, "epoch": 3})
    path = keep(store, content, "best.pth.tar")
    assert path.suffix == ".safetensors"
    assert path.stat().st_size < 0.6 * len(content)
    kept = load_file(path)
    assert torch.equal(kept["_orig_mod.module.layer3.0.conv1.weight"], state["layer3.0.conv1.weight"])
    assert own_weights.said(str(path), "tiny_resnet18") == (
        "The weights were taken from 'model_state_dict' in the file.",
        "The prefix '_orig_mod.module.' was taken off the names in the weights file.",
        "The head of the weights file, for 7 classes, was left out: a new one takes its place.",
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_wrong_shape_is_refused_by_the_visitors_own_name_and_leaves_no_file(
    store: Store, state: State
) -> None:
    name = next(key for key, value in state.items() if value.ndim == 4)
    wrong = state | {name: torch.ones(1, 2, 3, 3)}
    with pytest.raises(WeightsError, match=r"^mine\.safetensors .*shape"):
        keep(store, save(wrong))
    assert left(store) == []
    assert store.weights.of("ann") == []


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("bytes.pth", weights_files.great_bytearrays),
        ("claim.pth", weights_files.great_claim),
        ("deflated.pth", lambda: weights_files.deflated(3_000_000)),
        ("million.safetensors", lambda: weights_files.million_tensors(50_000)),
        ("photo.pth", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(50)),
        ("net.exe", lambda: b"MZ" + bytes(50)),
        ("half.pth", lambda: weights_files.pth(weights_files.state())[:300_000]),
    ],
)
def test_what_is_refused_gets_one_sentence_and_leaves_nothing(store: Store, name: str, make) -> None:
    with pytest.raises(WeightsError) as caught:
        keep(store, make(), name)
    said = str(caught.value)
    assert said.startswith(f"{name} ")
    assert said.endswith(".")
    assert "\n" not in said
    assert [path.name for path in store.home.iterdir() if ".sqlite3" not in path.name] == []


def test_a_safetensors_file_with_values_that_are_no_numbers_is_not_kept(store: Store, state: State) -> None:
    with pytest.raises(WeightsError, match="not finite"):
        keep(store, save(state | {"conv1.weight": state["conv1.weight"] / 0}))
    assert left(store) == []


def test_nothing_is_kept_when_the_disk_is_nearly_full(
    store: Store, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "DISK_RESERVE", shutil.disk_usage(store.home).free + 1_000_000_000)
    with pytest.raises(WeightsError, match="disk is nearly full"):
        keep(store, save(state))
    assert left(store) == []


def test_weights_count_in_the_room_of_pictures(
    store: Store, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_UPLOAD_MEGABYTES_PER_VISITOR", "20")  # one file has 11.4 MB
    first = keep(store, save(state))
    assert uploads.room(store, "ann") == (first.stat().st_size, 20_000_000)
    other = save({name: value + 1 for name, value in state.items()})
    with pytest.raises(
        WeightsError, match=r"You have 11\.4 MB of pictures and weights here and may store 20 MB"
    ):
        keep(store, other)
    assert left(store) == [first]
    assert keep(store, other, visitor="bob").exists()  # another visitor's room
    own_weights.delete(store, store.weights.of("ann")[0])
    assert not first.exists()
    assert keep(store, other).exists()


def test_equal_files_of_two_visitors_lie_there_once_and_stay_for_the_second(
    store: Store, state: State
) -> None:
    path = keep(store, save(state))
    assert keep(store, save(state), visitor="bob") == path
    own_weights.delete(store, store.weights.of("ann")[0])
    assert path.exists()
    own_weights.delete(store, store.weights.of("bob")[0])
    assert left(store) == []


def test_weights_that_a_run_began_with_are_not_deleted_and_do_not_expire(store: Store, state: State) -> None:
    path = keep(store, save(state))
    unused = keep(store, save({name: value + 1 for name, value in state.items()}))
    store.add(RunSpec(config=FinetuneConfig(weights=str(path)), data="digits"), "ann")
    one = next(one for one in store.weights.of("ann") if one.folder == path.parent.name)
    with pytest.raises(RunError, match="delete those runs first"):
        own_weights.delete(store, one)
    own_weights.delete_expired(store, time.time() + DAY)
    assert path.exists()
    assert not unused.exists()
    assert store.weights.of("ann") == [one]
    housekeeping.tidy(store)
    assert path.exists()


def test_what_a_killed_server_was_reading_goes_with_time(store: Store) -> None:
    half = store.home / f"{own_weights.BEING_READ}abc"
    half.mkdir()
    (half / "raw").write_bytes(b"half")
    own_weights.delete_expired(store, time.time() - DAY)
    assert half.exists()
    own_weights.delete_expired(store, time.time() + DAY)
    assert not half.exists()
