"""What is cleared away by itself: uploads, runs and weights whose time is over, files that nobody knows. Torch-free."""

import contextlib
import logging
import shutil
import time

from core import errors
from core.runs import own_weights, uploads
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.limits import limits
from core.runs.store.runs import Store

_log = logging.getLogger(__name__)

# A run's folder may be there for a moment before or after its row; beyond that nobody writes into it any more.
_FORGOTTEN_AFTER_SECONDS = 3600.0


def tidy(store: Store) -> None:
    """Clear away what nobody needs; what fails is logged and tried again next time."""
    for clear in (_expired_uploads, _expired_runs, _forgotten_runs, _unused_weights, _measure):
        try:
            clear(store)
        except Exception:  # a disk, a lock, a damaged file: the others are still to be cleared
            _log.exception("Clearing away did not succeed; it is tried again.")


def _expired_uploads(store: Store) -> None:
    gone = uploads.delete_expired(store, time.time())
    if gone:
        _log.info("%d uploads have expired and were deleted.", gone)


def _expired_runs(store: Store) -> None:
    for run in store.keeping.expired(time.time() - limits(store).run_seconds):
        with contextlib.suppress(errors.RunError):  # its owner has just gone on with it
            store.delete(run)
            shutil.rmtree(run_directory(store.home, run), ignore_errors=True)
            _log.info("The run %s has expired and was deleted.", run)


def _unused_weights(store: Store) -> None:
    """Remove visitors' own weights that no run needs, after as many days as their pictures."""
    own_weights.delete_expired(store, time.time() - limits(store).upload_seconds)


def _measure(store: Store) -> None:
    """Measure runs whose worker could not: those from before sizes were noted, too."""
    for run in store.keeping.unmeasured():
        store.keeping.measured(run, artefacts.size(run_directory(store.home, run)))


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
