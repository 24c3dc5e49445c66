"""Maximum mean discrepancy: how far apart two clouds of features are, as a loss."""

import torch
from torch import Tensor

# Widths of the Gaussian kernels, as multiples of the mean squared distance: Long et al. 2015 mix several.
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


def mmd(source: Tensor, target: Tensor) -> Tensor:
    """Squared distance between the mean embeddings of features (N, C) and (M, C): 0 for equal clouds.

    Gretton et al. 2012 (JMLR 13:723), the biased estimate of equation 5, with a sum of Gaussian kernels as in Long
    et al. 2015 (arXiv 1502.02791). The kernels' widths follow the data, without a gradient of their own.
    """
    both = torch.cat([source, target])
    squared = (both[:, None] - both[None]).square().sum(dim=-1)  # (N + M, N + M)
    scale = squared.detach().sum() / (len(both) ** 2 - len(both))
    kernel = torch.stack([torch.exp(-squared / (width * scale)) for width in WIDTHS]).sum(dim=0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
