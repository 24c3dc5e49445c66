"""What is cleared away by itself: uploads whose time is over, files of runs that no longer exist. Torch-free."""

import logging
import shutil
import time

from core.jobs import uploads
from core.jobs.store import Store

_log = logging.getLogger(__name__)

# A run's folder may be there for a moment before or after its row; beyond that nobody writes into it any more.
_FORGOTTEN_AFTER_SECONDS = 3600.0


def tidy(store: Store) -> None:
    """Clear away what nobody needs; what fails is logged and tried again next time."""
    for clear in (_expired_uploads, _forgotten_runs):
        try:
            clear(store)
        except Exception:  # a disk, a lock, a damaged file: the other is still to be cleared
            _log.exception("Clearing away did not succeed; it is tried again.")


def _expired_uploads(store: Store) -> None:
    gone = uploads.delete_expired(store, time.time())
    if gone:
        _log.info("%d uploads have expired and were deleted.", gone)


def _forgotten_runs(store: Store) -> None:
    """Remove folders of runs that were deleted while their worker still wrote into them."""
    folder = store.home / "runs"
    if not folder.is_dir():
        return
    known = store.ids()
    for path in folder.iterdir():
        old = time.time() - path.stat().st_mtime > _FORGOTTEN_AFTER_SECONDS
        if path.is_dir() and path.name not in known and old:
            shutil.rmtree(path, ignore_errors=True)
