"""How two tasks pull at the weights that they share."""

from torch import Tensor
from torch.nn import functional


def cosine(first: Tensor, second: Tensor) -> float:
    """Cosine between two gradients (P,): 1 the same way, 0 unrelated, -1 against each other; 0 if one is nothing.

    Du et al. 2018 (arXiv 1812.02224) use it to tell helpful tasks from harmful ones.
    """
    return float(functional.cosine_similarity(first, second, dim=0))


def without_conflict(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Take out of each gradient (P,) what works against the other: PCGrad, Yu et al. 2020 (arXiv 2001.06782), alg. 1.

    If they point against each other, each is projected onto the plane that the other is normal to.
    """
    overlap = first @ second
    if overlap >= 0:
        return first, second
    return (
        first - overlap / (second @ second) * second,
        second - overlap / (first @ first) * first,
    )
