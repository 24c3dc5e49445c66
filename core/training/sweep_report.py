"""What a sweep found: accuracy over depth with intervals, whether differences are real, what it cost. Torch-free."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.training.sweep_events import ArmDone, ArmDropped

Flags = NDArray[np.bool_]
DROP_BELOW = 0.005  # racing drops an arm whose loss to the leader is less likely than this by chance


def pack(hits: Flags) -> str:
    """Write flags (N,) as hex."""
    return np.packbits(hits).tobytes().hex()


def unpack(text: str, count: int) -> Flags:
    """Read ``count`` flags back."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=count).astype(bool)


def lost(measured: Sequence[ArmDone], racing: Sequence[str], test_count: int) -> list[ArmDropped]:
    """Racing's decision, after Maron & Moore 1994 ("Hoeffding races"): which of ``racing`` need no further seed.

    An arm is dropped when it was right on fewer (seed, test image) pairs than the leader, and so many fewer among
    the pairs where the two disagree that chance alone gives that with probability below 0.5 % (exact McNemar
    test). Seeds share test images, so the test is a little too sure; `benchmarks/sweep_cost.py` says how often it
    would have dropped the best arm.
    """
    hits = {
        name: np.concatenate([unpack(one.hits, test_count) for one in measured if one.arm == name])
        for name in racing
    }
    leader = max(hits, key=lambda name: hits[name].sum())
    found = []
    for name in racing:
        wins = int((hits[leader] & ~hits[name]).sum())
        losses = int((hits[name] & ~hits[leader]).sum())
        if wins > losses:
            p_value = float(stats.binomtest(wins, wins + losses, 0.5).pvalue)
            if p_value < DROP_BELOW:
                found.append(ArmDropped(arm=name, after_seed=0, behind=leader, p_value=p_value))
    return found
