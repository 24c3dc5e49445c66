"""The table of downloadable sets: addresses, checksums, and how torchvision's classes are read.

Addresses and checksums are those of torchvision 0.28 (its classes check them a second time while unpacking),
the ants' and bees' from the download script of https://github.com/pytorch/tutorials. Torch is imported when
a set is opened, not with this table.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.datasets.fetching import RemoteFile
from core.datasets.sign_names import SIGN_NAMES

PartName = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One part before decoding: pixels (N, H, W[, 3]) or files, and labels (N,)."""

    pictures: NDArray[np.uint8] | Sequence[Path]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, per_class: int) -> "Listing":
        """Keep the first ``per_class`` of each class."""
        order = np.argsort(self.labels, kind="stable")
        ranked = self.labels[order]
        rank = np.arange(len(order)) - np.searchsorted(ranked, ranked)
        kept = np.sort(order[rank < per_class])
        pictures = self.pictures
        return Listing(
            pictures=pictures[kept]
            if isinstance(pictures, np.ndarray)
            else [pictures[number] for number in kept],
            labels=self.labels[kept],
        )

    def of(self, classes: Sequence[int]) -> "Listing":
        """Keep some ``classes`` alone, which are numbered anew in their order there."""
        number = {label: new for new, label in enumerate(classes)}
        kept = np.flatnonzero(np.isin(self.labels, list(classes)))
        pictures = self.pictures
        return Listing(
            pictures=pictures[kept]
            if isinstance(pictures, np.ndarray)
            else [pictures[one] for one in kept.tolist()],
            labels=np.array([number[label] for label in self.labels[kept].tolist()], dtype=np.int64),
        )

    def most(self) -> int:
        """Count the images of the largest class."""
        return int(np.bincount(self.labels).max()) if len(self.labels) else 0


@dataclass(frozen=True, kw_only=True)
class Download:
    """How one data set is fetched and read.

    ``folder`` is where its unpacked copy lies. ``open_part(root, part, unpack)`` opens torchvision's data set
    for a part (None where there is no such part), unpacking ``files`` below ``root`` first if asked to;
    ``list_part`` reads its pictures and labels. ``first`` (train, test) bounds the images per class where the
    whole is too much.
    """

    folder: str
    files: tuple[RemoteFile, ...]
    open_part: Callable[[Path, PartName, bool], Any]
    list_part: Callable[[Any], Listing]
    class_names: Callable[[Any], Sequence[str]] = lambda data: data.classes
    first: tuple[int, int] | None = None


def _open(class_name: str, names: dict[PartName, dict[str, Any]]) -> Callable[[Path, PartName, bool], Any]:
    """Open torchvision's ``class_name`` with the arguments that select a part; parts it lacks are None."""

    def open_part(root: Path, part: PartName, unpack: bool) -> Any:
        if part not in names:
            return None
        from core.vision import torchvision

        return getattr(torchvision.datasets, class_name)(root=root, download=unpack, **names[part])

    return open_part


def _open_hymenoptera(root: Path, part: PartName, unpack: bool) -> Any:
    if part == "validation":
        return None
    from core.vision import torchvision

    if unpack and not (root / "hymenoptera_data").is_dir():
        shutil.unpack_archive(root / "hymenoptera_data.zip", root)
    folder = root / "hymenoptera_data" / ("train" if part == "train" else "val")
    return torchvision.datasets.ImageFolder(folder)


def _arrays(data: Any) -> Listing:
    """CIFAR (N, 32, 32, 3) and FashionMNIST (N, 28, 28, a tensor)."""
    return Listing(pictures=np.asarray(data.data), labels=np.asarray(data.targets, dtype=np.int64))


def _stl10(data: Any) -> Listing:
    return Listing(pictures=data.data.transpose(0, 2, 3, 1), labels=data.labels.astype(np.int64))


def _samples(attribute: str) -> Callable[[Any], Listing]:
    """(path, label) pairs, as ImageFolder keeps them."""

    def list_part(data: Any) -> Listing:
        pairs = getattr(data, attribute)
        return Listing(
            pictures=[Path(path) for path, _ in pairs],
            labels=np.array([label for _, label in pairs], np.int64),
        )

    return list_part


def _files(attribute: str) -> Callable[[Any], Listing]:
    """Paths and labels in two lists."""
    return lambda data: Listing(
        pictures=[Path(path) for path in getattr(data, attribute)], labels=np.array(data._labels, np.int64)
    )


_TRAIN_TEST: dict[PartName, dict[str, Any]] = {"train": {"train": True}, "test": {"train": False}}
_SPLIT: dict[PartName, dict[str, Any]] = {"train": {"split": "train"}, "test": {"split": "test"}}
_SPLIT_OF_THREE: dict[PartName, dict[str, Any]] = {**_SPLIT, "validation": {"split": "val"}}
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_FLOWERS = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_PETS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"
_SIGNS = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"


def _file(url: str, checksum: str, folder: str = "") -> RemoteFile:
    return RemoteFile(url=url, checksum=checksum, place=f"{folder}{url.rsplit('/', 1)[-1]}")


DOWNLOADS: dict[str, Download] = {
    "hymenoptera": Download(
        folder="hymenoptera_data",
        files=(
            _file(
                "https://download.pytorch.org/tutorial/hymenoptera_data.zip",
                "sha256:fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209",
            ),
        ),
        open_part=_open_hymenoptera,
        list_part=_samples("samples"),
    ),
    "cifar10": Download(
        folder="cifar-10-batches-py",
        files=(
            _file(
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "md5:c58f30108f718f92721af3b95e74349a",
            ),
        ),
        open_part=_open("CIFAR10", _TRAIN_TEST),
        list_part=_arrays,
    ),
    "cifar100": Download(
        folder="cifar-100-python",
        files=(
            _file(
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                "md5:eb9058c3a382ffc7106e4002c42a8d85",
            ),
        ),
        open_part=_open("CIFAR100", _TRAIN_TEST),
        list_part=_arrays,
    ),
    "stl10": Download(
        folder="stl10_binary",
        files=(
            _file(
                "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
                "md5:91f7769df0f17e558f3565bffb0c7dfb",
            ),
        ),
        open_part=_open("STL10", _SPLIT),
        list_part=_stl10,
    ),
    "fashion-mnist": Download(
        folder="FashionMNIST",
        files=(
            _file(
                f"{_FASHION}train-images-idx3-ubyte.gz",
                "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "FashionMNIST/raw/",
            ),
            _file(
                f"{_FASHION}train-labels-idx1-ubyte.gz",
                "md5:25c81989df183df01b3e8a0aad5dffbe",
                "FashionMNIST/raw/",
            ),
            _file(
                f"{_FASHION}t10k-images-idx3-ubyte.gz",
                "md5:bef4ecab320f06d8554ea6380940ec79",
                "FashionMNIST/raw/",
            ),
            _file(
                f"{_FASHION}t10k-labels-idx1-ubyte.gz",
                "md5:bb300cfdad3c16e7a12a480ee83cd310",
                "FashionMNIST/raw/",
            ),
        ),
        open_part=_open("FashionMNIST", _TRAIN_TEST),
        list_part=_arrays,
    ),
    "flowers102": Download(
        folder="flowers-102",
        files=(
            _file(f"{_FLOWERS}102flowers.tgz", "md5:52808999861908f626f3c1f4e79d11fa", "flowers-102/"),
            _file(f"{_FLOWERS}imagelabels.mat", "md5:e0620be6f572b9609742df49c70aed4d", "flowers-102/"),
            _file(f"{_FLOWERS}setid.mat", "md5:a5357ecc9cb78c4bef273ce3793fc85c", "flowers-102/"),
        ),
        open_part=_open("Flowers102", _SPLIT_OF_THREE),
        list_part=_files("_image_files"),
    ),
    "oxford-pets": Download(
        folder="oxford-iiit-pet",
        files=(
            _file(f"{_PETS}images.tar.gz", "md5:5c4f3ee8e5d25df40f4fd59a7f44e54c", "oxford-iiit-pet/"),
            _file(f"{_PETS}annotations.tar.gz", "md5:95a8c909bbe2e81eed6a22bccdf3f68f", "oxford-iiit-pet/"),
        ),
        open_part=_open("OxfordIIITPet", {"train": {"split": "trainval"}, "test": {"split": "test"}}),
        list_part=_files("_images"),
    ),
    "eurosat": Download(
        folder="eurosat",
        files=(
            _file(
                "https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
                "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
                "md5:c8fa014336c82ac7804f0398fcb19387",
                "eurosat/",
            ),
        ),
        open_part=_open("EuroSAT", {"train": {}}),
        list_part=_samples("samples"),
    ),
    "dtd": Download(
        folder="dtd",
        files=(
            _file(
                "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
                "md5:fff73e5086ae6bdbea199a49dfb8a4c1",
                "dtd/",
            ),
        ),
        open_part=_open("DTD", _SPLIT_OF_THREE),
        list_part=_files("_image_files"),
    ),
    "gtsrb": Download(
        folder="gtsrb",
        files=(
            _file(f"{_SIGNS}GTSRB-Training_fixed.zip", "md5:513f3c79a4c5141765e10e952eaa2478", "gtsrb/"),
            _file(f"{_SIGNS}GTSRB_Final_Test_Images.zip", "md5:c7e4e6327067d32654124b0fe9e82185", "gtsrb/"),
            _file(f"{_SIGNS}GTSRB_Final_Test_GT.zip", "md5:fe31e9c9270bbcd7b84b7f21a9d9d9e5", "gtsrb/"),
        ),
        open_part=_open("GTSRB", _SPLIT),
        list_part=_samples("_samples"),
        class_names=lambda data: SIGN_NAMES,
    ),
    "food101": Download(
        folder="food-101",
        files=(
            _file(
                "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz", "md5:85eeb15f3717b99a5da872d97d918f87"
            ),
        ),
        open_part=_open("Food101", _SPLIT),
        list_part=_files("_image_files"),
        first=(100, 50),
    ),
}
