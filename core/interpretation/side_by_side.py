"""Work on a few threads, told as it goes on, so that whoever watches sees it move and may stop it. Torch-free."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")

THREADS = 2  # scikit-learn's solver is half Python, more would wait for each other
LOOK_SECONDS = 0.5


def side_by_side(work: Sequence[Callable[[], Result]]) -> Iterator[float | list[Result]]:
    """Do all ``work``. Yields the share done, at least twice a second, and last the results in the order of ``work``.

    Who asks for no more waits for what is under way, never for what has not begun: so pieces should be small.
    """
    pool = ThreadPoolExecutor(THREADS)
    try:
        futures = [pool.submit(piece) for piece in work]
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()  # what went wrong is raised at once
            yield 1 - len(waiting) / len(futures)
    finally:
        pool.shutdown(cancel_futures=True)
    yield [future.result() for future in futures]
