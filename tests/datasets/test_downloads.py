"""Downloads: present copies are used, a missing network and damaged files leave one sentence and nothing else.

The copies are tiny, but in each source's own format, so that torchvision itself reads them.
"""

import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import catalogue, downloads
from core.datasets.downloads import data_dir, is_downloaded
from core.datasets.fetching import RemoteFile, fetch
from core.datasets.open import open_dataset
from core.datasets.sign_names import SIGN_NAMES
from core.datasets.torchvision_sets import DOWNLOADS
from core.errors import DownloadError, SettingsError

NO_SERVER = "http://127.0.0.1:9"  # the discard port: nothing listens


def picture(seed: int, form: str = "JPEG", side: int = 20) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def write(root: Path, files: dict[str, bytes | str]) -> None:
    for place, content in files.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(content.encode() if isinstance(content, str) else content)


def hymenoptera(prefix: str = "") -> dict[str, bytes | str]:
    return {
        f"{prefix}hymenoptera_data/{part}/{name}/{number}.jpg": picture(
            number + 10 * (name == "bees") + 100 * (part == "val")
        )
        for part, count in (("train", 4), ("val", 2))
        for name in ("ants", "bees")
        for number in range(count)
    }


def fashion_mnist() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for part, count in (("train", 40), ("t10k", 20)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        files[f"FashionMNIST/raw/{part}-images-idx3-ubyte"] = (
            struct.pack(">IIII", 2051, count, 28, 28) + pixels.tobytes()
        )
        files[f"FashionMNIST/raw/{part}-labels-idx1-ubyte"] = (
            struct.pack(">II", 2049, count) + labels.tobytes()
        )
    return files


def eurosat() -> dict[str, bytes | str]:
    return {
        f"eurosat/2750/{name}/{name}_{number}.jpg": picture(number + 50 * (name == "Forest"))
        for name in ("AnnualCrop", "Forest")
        for number in range(4)
    }


def dtd() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for seed, (part, numbers) in enumerate((("train", (0, 1)), ("val", (2,)), ("test", (3, 4)))):
        lines = []
        for name in ("banded", "bubbly"):
            for number in numbers:
                files[f"dtd/dtd/images/{name}/{name}_{number}.jpg"] = picture(
                    seed * 100 + number + 20 * (name == "bubbly")
                )
                lines.append(f"{name}/{name}_{number}.jpg")
        files[f"dtd/dtd/labels/{part}1.txt"] = "\n".join(lines) + "\n"
    return files


def food101() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for part, count in (("train", 103), ("test", 52)):
        listing = {
            name: [f"{name}/{part}{number}" for number in range(count)] for name in ("apple_pie", "waffles")
        }
        files[f"food-101/meta/{part}.json"] = json.dumps(listing)
        for name, stems in listing.items():
            for number, stem in enumerate(stems):
                seed = number + 1000 * (name == "waffles") + 5000 * (part == "test")
                files[f"food-101/images/{stem}.jpg"] = picture(seed, side=8)
    return files


def oxford_pets() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for part, count in (("trainval", 3), ("test", 2)):
        lines = []
        for label, name in enumerate(("Abyssinian", "american_bulldog"), start=1):
            for number in range(count):
                stem = f"{name}_{number + 10 * (part == 'test')}"
                lines.append(f"{stem} {label} {label} 1")
                files[f"oxford-iiit-pet/images/{stem}.jpg"] = picture(
                    number + 10 * label + 100 * (part == "test")
                )
        files[f"oxford-iiit-pet/annotations/{part}.txt"] = "\n".join(lines) + "\n"
    return files


def gtsrb() -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    rows = ["Filename;Width;Height;ClassId"]
    for label in range(43):
        for number in range(2):
            files[f"gtsrb/GTSRB/Training/{label:05d}/{number:05d}.ppm"] = picture(
                label * 10 + number, "PPM", 8
            )
        files[f"gtsrb/GTSRB/Final_Test/Images/{label:05d}.ppm"] = picture(9000 + label, "PPM", 8)
        rows.append(f"{label:05d}.ppm;8;8;{label}")
    files["gtsrb/GT-final_test.csv"] = "\n".join(rows) + "\n"
    return files


COPIES = {
    # name: (files, class names or their number, training images, test images)
    "hymenoptera": (hymenoptera, ("ants", "bees"), 8, 4),
    "fashion-mnist": (fashion_mnist, 10, 40, 20),
    "eurosat": (eurosat, ("AnnualCrop", "Forest"), 8, None),
    "dtd": (dtd, ("banded", "bubbly"), 6, 4),
    "food101": (food101, ("apple_pie", "waffles"), 200, 100),
    "oxford-pets": (oxford_pets, ("Abyssinian", "American Bulldog"), 6, 4),
    "gtsrb": (gtsrb, SIGN_NAMES, 86, 43),
}


@pytest.fixture(autouse=True)
def offline_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no way out: every address is asked of a proxy that is not there."""
    monkeypatch.setenv("TLL_DATA_DIR", str(tmp_path / "data"))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, NO_SERVER)
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")
    return tmp_path / "data"


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_that_is_there_is_used(name: str, offline_folder: Path) -> None:
    files, class_names, train, test = COPIES[name]
    write(offline_folder, files())  # type: ignore[operator]
    assert is_downloaded(name)
    seen: list[tuple[int, int]] = []
    dataset = open_dataset(name, side=16, progress=lambda done, total: seen.append((done, total)))
    if isinstance(class_names, tuple):
        assert dataset.class_names == class_names
    else:
        assert len(dataset.class_names) == class_names
    assert len(dataset.train) == train
    assert (len(dataset.test) if dataset.test else None) == test
    assert seen[-1] == (train + (test or 0),) * 2
    assert (dataset.name, dataset.title) == (name, catalogue.DATASETS[name].title)
    assert dataset.train.images.shape[1:] == (16, 16, 3)
    assert dataset.fingerprint == open_dataset(name, side=16).fingerprint


def test_pictures_and_labels_belong_together(offline_folder: Path) -> None:
    files = hymenoptera()
    write(offline_folder, files)
    dataset = open_dataset("hymenoptera", side=20)
    content = files["hymenoptera_data/train/bees/1.jpg"]
    assert isinstance(content, bytes)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(dataset.train.images[5], expected)


def test_too_large_for_memory_takes_the_first_of_each_class_and_says_so(
    offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(offline_folder, fashion_mnist())
    whole = open_dataset("fashion-mnist", side=16)
    monkeypatch.setattr(downloads, "MEMORY_BYTES", 45 * 16 * 16 * 3)
    dataset = open_dataset("fashion-mnist", side=16)
    assert dataset.test is not None
    assert np.bincount(dataset.train.labels).tolist() == [3] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1] * 10
    np.testing.assert_array_equal(dataset.train.images, whole.train.images[:30])
    assert "first 3 training images and 1 test images of each class" in dataset.about


@pytest.mark.parametrize("name", DOWNLOADS)
def test_without_a_network_there_is_one_sentence_and_no_half_file(name: str, offline_folder: Path) -> None:
    with pytest.raises(DownloadError, match=r"could not be downloaded.* built-in") as caught:
        open_dataset(name, side=8)
    assert catalogue.DATASETS[name].title in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(offline_folder.rglob("*")) == []
    assert not is_downloaded(name)


def test_a_broken_copy_is_named_with_its_folder(offline_folder: Path) -> None:
    write(offline_folder, {"dtd/dtd/labels/train1.txt": "banded/banded_0.jpg\n"})
    with pytest.raises(DownloadError, match="dtd is incomplete or damaged; remove that folder"):
        open_dataset("dtd", side=8)


class _Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A real server on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(_Server):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()


def zipped(files: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def serve_hymenoptera(server: tuple[str, Path], content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the catalogue's entry point at the local server, with the checksum of the good archive."""
    address, folder = server
    (folder / "hymenoptera_data.zip").write_bytes(content)
    good = hashlib.sha256(zipped(hymenoptera())).hexdigest()
    file = RemoteFile(
        url=f"{address}/hymenoptera_data.zip", checksum=f"sha256:{good}", place="hymenoptera_data.zip"
    )
    monkeypatch.setitem(DOWNLOADS, "hymenoptera", replace(DOWNLOADS["hymenoptera"], files=(file,)))


def test_a_download_is_unpacked_read_and_used_again(
    server: tuple[str, Path], offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_hymenoptera(server, zipped(hymenoptera()), monkeypatch)
    seen: list[tuple[int, int]] = []
    dataset = open_dataset("hymenoptera", side=16, progress=lambda done, total: seen.append((done, total)))
    assert len(dataset.train) == 8
    assert seen[0][1] == catalogue.DATASETS["hymenoptera"].download_bytes  # first bytes,
    assert seen[-1] == (12, 12)  # then pictures
    assert [path.name for path in offline_folder.iterdir()] == [
        "hymenoptera_data"
    ]  # no archive, no leftovers
    (server[1] / "hymenoptera_data.zip").unlink()
    assert open_dataset("hymenoptera", side=16).fingerprint == dataset.fingerprint


@pytest.mark.parametrize("damage", ["changed", "cut"])
def test_a_damaged_archive_is_one_sentence_and_is_thrown_away(
    damage: str, server: tuple[str, Path], offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = zipped(hymenoptera())
    content = good[:-500] if damage == "cut" else good[:500] + b"?" + good[501:]
    serve_hymenoptera(server, content, monkeypatch)
    with pytest.raises(
        DownloadError, match=r"checksum of hymenoptera_data.zip is wrong.*thrown away"
    ) as caught:
        open_dataset("hymenoptera", side=8)
    assert "\n" not in str(caught.value)
    assert list(offline_folder.rglob("*")) == []


def test_a_refusing_server_is_named_with_its_answer(
    server: tuple[str, Path], offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_hymenoptera(server, b"", monkeypatch)
    (server[1] / "hymenoptera_data.zip").unlink()
    with pytest.raises(DownloadError, match="answered 404"):
        open_dataset("hymenoptera", side=8)
    assert list(offline_folder.rglob("*")) == []


@pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter")  # torchvision's tarfile call
def test_torchvision_unpacks_what_we_fetched(
    server: tuple[str, Path], offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FashionMNIST's four files and Flowers' archive, through torchvision's own checks and unpacking."""
    from scipy.io import savemat

    from core.vision import torchvision

    address, folder = server
    resources, files = [], []
    for place, content in fashion_mnist().items():
        assert isinstance(content, bytes)
        packed = gzip.compress(content)
        name = f"{Path(place).name}.gz"
        (folder / name).write_bytes(packed)
        resources.append((name, hashlib.md5(packed).hexdigest()))
        files.append(
            RemoteFile(url=f"{address}/{name}", checksum=f"md5:{resources[-1][1]}", place=f"{place}.gz")
        )
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "resources", resources)
    monkeypatch.setitem(DOWNLOADS, "fashion-mnist", replace(DOWNLOADS["fashion-mnist"], files=tuple(files)))
    assert len(open_dataset("fashion-mnist", side=8).train) == 40
    assert not list(offline_folder.rglob("*.gz"))

    with tarfile.open(folder / "102flowers.tgz", "w:gz") as archive:
        for number in range(1, 9):
            member = tarfile.TarInfo(f"jpg/image_{number:05d}.jpg")
            content = picture(number)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    savemat(folder / "imagelabels.mat", {"labels": np.array([[1, 1, 2, 2, 1, 2, 1, 2]], np.uint8)})
    savemat(
        folder / "setid.mat",
        {"trnid": np.array([[1, 3]]), "valid": np.array([[2, 4]]), "tstid": np.array([[5, 6, 7, 8]])},
    )
    names = {"image": "102flowers.tgz", "label": "imagelabels.mat", "setid": "setid.mat"}
    hashes = {
        key: (name, hashlib.md5((folder / name).read_bytes()).hexdigest()) for key, name in names.items()
    }
    monkeypatch.setattr(torchvision.datasets.Flowers102, "_file_dict", hashes)
    monkeypatch.setattr(torchvision.datasets.Flowers102, "classes", ["pink primrose", "sweet pea"])
    flowers = tuple(
        RemoteFile(url=f"{address}/{name}", checksum=f"md5:{md5}", place=f"flowers-102/{name}")
        for name, md5 in hashes.values()
    )
    monkeypatch.setitem(DOWNLOADS, "flowers102", replace(DOWNLOADS["flowers102"], files=flowers))
    dataset = open_dataset("flowers102", side=8)
    assert dataset.test is not None
    assert dataset.class_names == ("pink primrose", "sweet pea")
    assert dataset.train.labels.tolist() == [0, 1, 0, 1]  # the authors' validation images join
    assert dataset.test.labels.tolist() == [0, 1, 0, 1]


def cifar_batch(count: int, classes: int, key: bytes) -> bytes:
    import pickle

    random = np.random.default_rng(count)
    return pickle.dumps(
        {
            key.decode(): [number % classes for number in range(count)],
            "data": random.integers(0, 256, (count, 3072), dtype=np.uint8),
        }
    )


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifars_batches_are_read(name: str, offline_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    from core.vision import torchvision

    kind = getattr(torchvision.datasets, name.upper())
    key, meta = (b"labels", "label_names") if name == "cifar10" else (b"fine_labels", "fine_label_names")
    folder = kind.base_folder
    files: dict[str, bytes | str] = {
        f"{folder}/{kind.meta['filename']}": pickle.dumps({meta: ["cat", "dog"]})
    }
    lists = {}
    for attribute, count in (("train_list", 6), ("test_list", 4)):
        lists[attribute] = []
        for number, (batch, _) in enumerate(getattr(kind, attribute)):
            content = cifar_batch(count + number, 2, key)
            files[f"{folder}/{batch}"] = content
            lists[attribute].append([batch, hashlib.md5(content).hexdigest()])
        monkeypatch.setattr(kind, attribute, lists[attribute])
    content = files[f"{folder}/{kind.meta['filename']}"]
    assert isinstance(content, bytes)
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": hashlib.md5(content).hexdigest()})
    write(offline_folder, files)
    dataset = open_dataset(name, side=32)
    assert dataset.test is not None
    assert dataset.class_names == ("cat", "dog")
    assert len(dataset.test) == 4
    first = np.random.default_rng(6).integers(0, 256, (6, 3072), dtype=np.uint8)[0].reshape(3, 32, 32)
    np.testing.assert_array_equal(dataset.train.images[0], first.transpose(1, 2, 0))


def test_stl10s_planes_are_read(offline_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.vision import torchvision

    kind = torchvision.datasets.STL10
    pixels = {
        part: np.random.default_rng(count).integers(0, 256, (count, 3, 96, 96), dtype=np.uint8)
        for part, count in (("train", 6), ("test", 4))
    }
    files: dict[str, bytes | str] = {
        "stl10_binary/class_names.txt": "airplane\nbird\n",
        "stl10_binary/fold_indices.txt": "",
        "stl10_binary/unlabeled_X.bin": b"",
    }
    for part, images in pixels.items():
        files[f"stl10_binary/{part}_X.bin"] = images.transpose(0, 1, 3, 2).tobytes()  # column by column
        files[f"stl10_binary/{part}_y.bin"] = bytes(number % 2 + 1 for number in range(len(images)))
    for attribute in ("train_list", "test_list"):
        checked = []
        for file, _ in getattr(kind, attribute):
            content = files[f"stl10_binary/{file}"]
            assert isinstance(content, bytes)
            checked.append([file, hashlib.md5(content).hexdigest()])
        monkeypatch.setattr(kind, attribute, checked)
    write(offline_folder, files)
    dataset = open_dataset("stl10", side=96)
    assert dataset.class_names == ("airplane", "bird")
    np.testing.assert_array_equal(dataset.train.images, pixels["train"].transpose(0, 2, 3, 1))
    assert dataset.train.labels.tolist() == [0, 1] * 3


def test_files_that_are_there_and_intact_are_not_fetched_again(tmp_path: Path) -> None:
    content = b"the right bytes"
    (tmp_path / "a.bin").write_bytes(content)
    file = RemoteFile(
        url=f"{NO_SERVER}/a.bin", checksum=f"sha256:{hashlib.sha256(content).hexdigest()}", place="a.bin"
    )
    fetch((file,), tmp_path, title="It", total_bytes=15)


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TLL_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(DownloadError, match="set TLL_DATA_DIR"):
        open_dataset("cifar10", side=8)


def test_the_addresses_and_checksums_are_torchvisions() -> None:
    from core.vision import torchvision

    def checksums(name: str) -> list[str]:
        return [file.checksum.removeprefix("md5:") for file in DOWNLOADS[name].files]

    sets = torchvision.datasets
    for name, kind in (("cifar10", sets.CIFAR10), ("cifar100", sets.CIFAR100), ("stl10", sets.STL10)):
        assert checksums(name) == [kind.tgz_md5]
        assert DOWNLOADS[name].files[0].url == kind.url
        assert DOWNLOADS[name].folder == kind.base_folder
    assert checksums("fashion-mnist") == [md5 for _, md5 in sets.FashionMNIST.resources]
    assert checksums("flowers102") == [md5 for _, md5 in sets.Flowers102._file_dict.values()]
    assert checksums("oxford-pets") == [md5 for _, md5 in sets.OxfordIIITPet._RESOURCES]
    assert (DOWNLOADS["dtd"].files[0].url, checksums("dtd")) == (sets.DTD._URL, [sets.DTD._MD5])
    assert (DOWNLOADS["food101"].files[0].url, checksums("food101")) == (
        sets.Food101._URL,
        [sets.Food101._MD5],
    )


def test_the_data_folder_is_the_users_own_unless_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data_dir() == tmp_path / "data"
    monkeypatch.delenv("TLL_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_dir().name == "data"
    assert data_dir() != tmp_path / "data"


def test_unknown_names_list_the_choices() -> None:
    for ask in (is_downloaded, lambda name: downloads.download(name, side=8)):
        with pytest.raises(SettingsError, match="hymenoptera"):
            ask("cifra")


def test_some_classes_alone_are_decoded_in_the_order_asked_for(offline_folder: Path) -> None:
    write(offline_folder, gtsrb())
    whole = open_dataset("gtsrb", side=8)
    only = (SIGN_NAMES[7], SIGN_NAMES[2])
    seen: list[tuple[int, int]] = []
    some = downloads.download(
        "gtsrb", side=8, only=only, progress=lambda done, total: seen.append((done, total))
    )
    assert some.class_names == only
    assert some.train.labels.tolist() == [1, 1, 0, 0]  # in the files' order
    assert seen[-1] == (6, 6)
    for new, old in enumerate((7, 2)):
        np.testing.assert_array_equal(
            some.train.images[some.train.labels == new], whole.train.images[whole.train.labels == old]
        )
    with pytest.raises(SettingsError, match="A class of German traffic signs must be one of"):
        downloads.download("gtsrb", side=8, only=("a cat",))


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_does_is_not(
    server: tuple[str, Path], offline_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    left = offline_folder / f".incoming-{host}-{ended.pid}-a1b2" / "half.zip"
    others = [
        offline_folder / f".incoming-{host}-{os.getpid()}-c3d4",
        offline_folder / f".incoming-elsewhere-{ended.pid}-e5f6",
    ]
    for folder in (left.parent, *others):
        folder.mkdir(parents=True)
    left.write_bytes(b"half")
    serve_hymenoptera(server, zipped(hymenoptera()), monkeypatch)
    open_dataset("hymenoptera", side=8)
    assert sorted(offline_folder.iterdir()) == sorted([offline_folder / "hymenoptera_data", *others])


def test_a_file_without_a_checksum_is_fetched_as_it_is(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "some.txt").write_text("some")
    file = RemoteFile(url=f"{address}/some.txt", checksum=None, place="some.txt")
    fetch((file,), tmp_path, title="It", total_bytes=4)
    assert (tmp_path / "some.txt").read_text() == "some"
