"""What pages do with runs: the whole of it, in plain functions over one data directory. Torch-free.

A run's id cannot be guessed, and whoever knows it may read: a page that gets one from an address asks `readable`
first, which lets nobody in but its owner and those who hold a link that the owner shares. Changing a run can be
bound to its owner: pass ``visitor``, and another visitor's run is refused.
"""

import contextlib
import dataclasses
import itertools
import json
import math
import secrets
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import errors
from core.runs import own_weights, uploads
from core.runs.files import artefacts
from core.runs.health import ROOM_BYTES
from core.runs.home import home, run_directory
from core.runs.kinds import table
from core.runs.kinds.finetuning import epochs_of
from core.runs.kinds.kind import Shown
from core.runs.kinds.lanes import LANES, Lane
from core.runs.limits import Limits
from core.runs.limits import limits as read_limits
from core.runs.limits import set_limits as write_limits
from core.runs.pseudonym import hashed, pseudonym
from core.runs.queue.dispatcher import Dispatcher
from core.runs.spec import RunSpec
from core.runs.store import places
from core.runs.store.forecast import RunLike
from core.runs.store.runs import RunRecord, Store
from core.runs.store.uploads import Upload
from core.runs.store.weights import OwnWeights

if TYPE_CHECKING:
    from core.runs.duration import PictureCount

MOST_EPOCHS = 1000  # as in FinetuneConfig
_PSEUDONYMS = "pseudonyms"  # the setting that holds the key of `known_as` and of networks
LONGEST_TITLE = 120  # characters
FORECAST_SECONDS = 1.0  # that a forecast of the queue is good for
MOST_SEEDS = 10  # of one run: the interval hardly narrows beyond


@dataclasses.dataclass(kw_only=True)
class _Service:
    """What one process holds open for one data directory."""

    store: Store
    dispatcher: Dispatcher | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Forecast:
    """When a lane's runs begin and end, as it was worked out ``at`` a time."""

    at: float
    counts: dict[str, int]
    runs: dict[str, tuple[float, float]]


_services: dict[Path, _Service] = {}
_forecasts: dict[tuple[Path, Lane], _Forecast] = {}
_lock = threading.RLock()
_leaving = threading.Event()


def start() -> None:
    """Begin to serve the queue and to warm up a worker; once per process, however often it is called."""
    service = _service()
    with _lock:
        if service.dispatcher is None and not _leaving.is_set():
            service.dispatcher = Dispatcher(service.store)


def shutdown() -> None:
    """Stop serving: the worker ends, and a run in work is queued again, to go on from its last checkpoint."""
    with _lock:
        services = list(_services.values())
        _services.clear()
        _forecasts.clear()
        _leaving.clear()
    for service in services:
        if service.dispatcher is not None:
            service.dispatcher.close()
        service.store.close()


def leave() -> None:
    """Accept no further runs, and put those in work back into the queue: this process is about to end.

    What has been stored can still be read, so that pages stay whole until the last moment.
    """
    with _lock:
        _leaving.set()
        dispatchers = [service.dispatcher for service in _services.values() if service.dispatcher is not None]
    for one in dispatchers:
        one.close()


def leaving() -> bool:
    """Whether this process is about to end."""
    return _leaving.is_set()


def dispatcher() -> Dispatcher | None:
    """Name what serves the queue in this process, if it has begun to; for whoever looks after the host."""
    return _service().dispatcher


def ready() -> bool:
    """Tell whether a warm worker waits for training, so that a click starts at once."""
    dispatcher = _service().dispatcher
    return dispatcher is not None and dispatcher.ready


def warm(lane: Lane) -> None:
    """Have a worker of a lane at hand from now on: somebody is about to want it."""
    start()
    dispatcher = _service().dispatcher
    if dispatcher is not None:
        dispatcher.warm(lane)


def submit(
    spec: RunSpec,
    visitor: str,
    control: bool = True,
    *,
    address: str | None = None,
    pictures: "PictureCount | None" = None,
) -> str:
    """Queue a run and return its id; with ``control``, a from-scratch run with the same budget waits behind it.

    ``address`` is the visitor's on the network, if it is known; only a keyed hash of it is kept (`places.network_of`).
    ``pictures`` count an upload's, where whoever asks knows them: then others are told how long they wait for it.
    Raises `SettingsError` or `DataError` at once for a network, a depth or data that do not exist.
    """
    from core.runs import data, duration  # they know the catalogues, which take a moment to import

    _refuse_at_the_end()
    store = open_store()
    kind = table.kind(spec)
    kind.check(spec.config)
    data.check(spec, store, visitor)
    if shutil.disk_usage(store.home).free < ROOM_BYTES:
        raise errors.RunError("The disk is nearly full; delete old runs, then start this one.")
    if not spec.title:
        spec = dataclasses.replace(spec, title=kind.title(spec.config, data.title(spec, store)))
    beside = kind.control(spec) if control else None
    network = hashed(places.network_of(address), _key())
    expected = (
        duration.expected(spec, pictures),
        None if beside is None else duration.expected(beside, pictures),
    )
    run_id = store.add(spec, visitor, beside, network=network, limits=limits(), expected=expected)
    _wake()
    return run_id


def run(run_id: str) -> RunRecord:
    """Read a run's state; a `RunError` if there is no such run."""
    return open_store().run(run_id)


def readable(address: str, visitor: str) -> RunRecord:
    """Read the run that an address names: one of the visitor's own, or one whose shared link this is.

    Raises `RunError`, the same sentence for a run that does not exist and for one that is not shared.
    """
    store = open_store()
    with contextlib.suppress(errors.RunError):
        record = store.run(address)
        if record.visitor == visitor:
            return record
    return store.shared(address)


def share(run_id: str, *, visitor: str) -> str:
    """Let everybody who has the link look at a run, with its control; returns what `readable` takes.

    Asking again gives the same link, until it is withdrawn.
    """
    token = open_store().set_share(_owned(run_id, visitor).id, True)
    assert token is not None
    return token


def unshare(run_id: str, *, visitor: str) -> None:
    """Withdraw a shared link for good: sharing again makes another one."""
    open_store().set_share(_owned(run_id, visitor).id, False)


def expected_wait(run_id: str) -> float | None:
    """Expect in how many seconds a queued run begins; None where what is ahead of it is of no known length."""
    lane = table.kind(open_store().run(run_id).spec).lane
    begins, _ = _forecast(lane).get(run_id, (math.inf, math.inf))
    return begins if math.isfinite(begins) else None


def done_in() -> float | None:
    """Expect in how many seconds all that waits or is worked on is done; None where nobody can say."""
    ends = [end for lane in LANES for _, end in _forecast(lane).values()]
    longest = max(ends, default=0.0)
    return longest if math.isfinite(longest) else None


def expected_seconds(
    spec: RunSpec, pictures: "PictureCount | None" = None
) -> tuple[float | None, float | None, bool]:
    """Expect how long a run would take here, how long its control, and whether runs of this machine say so.

    ``pictures`` count an upload's. Until a run has finished here, the pace is that of the machine that measured.
    """
    from core.runs import duration

    kind = table.kind(spec)
    pace = open_store().pace(kind.lane)

    def here(one: RunSpec | None, *, control: bool) -> float | None:
        usual = None if one is None else duration.expected(one, pictures)
        like = RunLike(kind=spec.kind, backbone=getattr(spec.config, "backbone", None), control=control)
        return None if usual is None else usual * pace.slowness(like)

    measured_here = any(one.expected for one in pace.runs)
    return here(spec, control=False), here(kind.control(spec), control=True), measured_here


def _forecast(lane: Lane) -> dict[str, tuple[float, float]]:
    """Play a lane's queue through, at most once a second while nothing begins or ends: a whole class asks for it."""
    store, now = open_store(), time.monotonic()
    counts = store.counts()
    kept = _forecasts.get((store.home, lane))
    if kept is None or kept.counts != counts or now - kept.at > FORECAST_SECONDS:
        dispatcher = _service().dispatcher
        slots = dispatcher.slots(lane) if dispatcher is not None else 1
        kept = _Forecast(at=now, counts=counts, runs=store.forecast(lane, slots))
        _forecasts[store.home, lane] = kept
    return kept.runs


def limits() -> Limits:
    """Read what visitors and runs may use up."""
    return read_limits(open_store())


def set_limits(wanted: Limits) -> None:
    """Set what visitors and runs may use up, from now on, for runs in work, too."""
    write_limits(open_store(), wanted)


def paused() -> bool:
    """Whether the queue is held: nothing new is begun."""
    return open_store().paused


def pause(hold: bool) -> None:
    """Hold the queue, or let it go on; what is being worked on goes on."""
    open_store().pause(hold)
    _wake()


def active() -> list[RunRecord]:
    """List everybody's runs that wait or are worked on, in the queue's order; for whoever looks after the host."""
    return open_store().active()


def known_as(visitor: str) -> str:
    """What a visitor is called where others look on; the same in every process that shares this store."""
    return pseudonym(visitor, _key())


def runs_of(visitor: str) -> list[RunRecord]:
    """List a visitor's runs, controls among them, newest first."""
    return open_store().runs_of(visitor)


def events(run_id: str, after: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read the events that were logged since offset ``after``; also the offset for the next call.

    Cheap to poll: only what is new is read. A long log comes in several steps; ask until nothing comes.
    """
    return artefacts.read_events(_directory(run_id) / artefacts.EVENTS, after)


def stop(run_id: str, *, visitor: str | None = None, why: str | None = None) -> None:
    """Ask a run to stop; what it has learned up to its last epoch is kept. Its waiting control stops too.

    Where somebody else than its owner asks, ``why`` is the sentence that tells the owner.
    """
    record = _owned(run_id, visitor)
    store = open_store()
    control = record.control
    # The control first: once its run has stopped, a worker is free to begin it.
    if control is not None and _controls_only(control) and store.run(control).state == "queued":
        store.stop(control, why)
    store.stop(run_id, why)
    _wake()


def stop_waiting(*, visitor: str | None = None, network: str | None = None, why: str) -> int:
    """Stop all that waits of a visitor, or of those from a network; how many runs, controls among them.

    For whoever looks after the host; ``why`` is the sentence that tells the owners.
    """
    return open_store().stop_waiting(visitor=visitor, network=network, why=why)


def resume(run_id: str, *, visitor: str | None = None) -> None:
    """Queue a stopped or failed run again: it goes on from its last checkpoint. Its stopped control too."""
    record = _owned(run_id, visitor)
    if record.state == "finished" and record.spec.kind != "finetune":
        raise errors.RunError("This has finished; start another one for more seeds.")
    if record.state == "finished":
        raise errors.RunError("This run has finished; ask for more epochs to extend it.")
    _refuse_at_the_end()
    open_store().requeue(run_id, record.spec, limits=limits())
    if record.control is not None:
        control = run(record.control)
        if control.state in ("stopped", "failed"):
            open_store().requeue(control.id, control.spec)
    _wake()


def conclude(run_id: str, *, visitor: str | None = None) -> None:
    """Queue a stopped run to be tested as it is, without further epochs; its control gets as many as it had.

    Raises `RunError` where no epoch is done yet. The run can be extended later.
    """
    record = _owned(run_id, visitor)
    if record.spec.kind != "finetune":
        raise errors.RunError(
            f"{record.spec.config.what.capitalize()} shows what is measured at any time; there is nothing to test."
        )
    done = _epochs_kept(run_id)
    if not done:
        raise errors.RunError(
            "No epoch of this run is done yet, so there is nothing to test; resume it instead."
        )
    _requeue(record, done, limits())
    if record.control is not None and _controls_only(record.control):
        control = run(record.control)
        if control.state in ("stopped", "failed"):
            _requeue(control, max(done, _epochs_kept(control.id)), None)
    _wake()


def extend(run_id: str, epochs: int, *, visitor: str | None = None) -> None:
    """Queue a run for ``epochs`` more than it was asked for; its control gets as many, to stay comparable."""
    record = _owned(run_id, visitor)
    if record.spec.finetune.strategy == "linear_probe":
        raise errors.RunError(
            "A linear probe is solved to the end already; more epochs would change nothing."
        )
    _more_epochs(record, epochs, limits())
    if record.control is not None and _controls_only(record.control):
        control = run(record.control)
        if not control.active:
            _more_epochs(control, epochs, None)
    _wake()


def repeats(run_id: str) -> list[RunRecord]:
    """List the owner's runs that differ from this one in nothing but the seed, this one included, by seed."""
    record = run(run_id)
    config = record.spec.finetune
    alike = [
        (one, one.spec.finetune)
        for one in runs_of(record.visitor)
        if one.spec.kind == "finetune"
        and (one.spec.data, one.spec.fit) == (record.spec.data, record.spec.fit)
        and (one.control_of is None) == (record.control_of is None)
        and dataclasses.replace(one.spec.finetune, seed=config.seed) == config
    ]
    # The run in question before its twins.
    one_each = {its.seed: one for one, its in [*alike, (record, config)]}
    return [one_each[seed] for seed in sorted(one_each)]


def repeat(run_id: str, times: int, *, visitor: str | None = None, address: str | None = None) -> list[str]:
    """Queue a run ``times`` more, each with the next unused seed and a control of its own; return the ids."""
    record = _owned(run_id, visitor)
    config = record.spec.finetune
    taken = {one.spec.finetune.seed for one in repeats(run_id)}
    errors.within("The number of seeds", len(taken) + times, 2, MOST_SEEDS)
    free = (seed for seed in range(len(taken) + times) if seed not in taken)
    return [
        submit(
            dataclasses.replace(record.spec, config=dataclasses.replace(config, seed=seed)),
            record.visitor,
            control=record.control is not None,
            address=address,
        )
        for seed in itertools.islice(free, times)
    ]


def rename(run_id: str, title: str, *, visitor: str | None = None) -> None:
    """Call a run otherwise, wherever it is named, in its downloads, too; a `RunError` for no name, or a long one."""
    title = " ".join(title.split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise errors.RunError(
            f"A run's name has from 1 to {LONGEST_TITLE} characters; this one has {len(title)}."
        )
    record = _owned(run_id, visitor)
    open_store().rename(record.id, dataclasses.replace(record.spec, title=title))
    path = _directory(run_id) / artefacts.RESULT
    if path.exists():
        artefacts.write_json(path, json.loads(path.read_text(encoding="utf-8")) | {"title": title})


def delete(run_id: str, *, visitor: str | None = None) -> None:
    """Delete a run with its files, and its control unless another run shows it too."""
    record = _owned(run_id, visitor)
    _forget(run_id)
    if record.control is not None and open_store().linked_to(record.control) == 0:
        control = run(record.control)
        if control.control_of is not None and control.state not in ("running", "stopping"):
            _forget(control.id)


def run_room(visitor: str) -> tuple[int, int]:
    """Say how many bytes of the disk a visitor's runs take, and how many they may."""
    return open_store().keeping.bytes_of(visitor), limits().run_megabytes_per_visitor * 1_000_000


def store_upload(visitor: str, name: str, content: bytes) -> str:
    """Keep a ZIP archive of class folders; returns a reference for `RunSpec.data`."""
    return uploads.store(open_store(), visitor, name, content)


def store_images(visitor: str, name: str, files: Mapping[str, Sequence[tuple[str, bytes]]]) -> str:
    """Keep single pictures, ``{class name: [(file name, bytes), …]}``; returns a reference for `RunSpec.data`."""
    return uploads.store_images(open_store(), visitor, name, files)


def uploads_of(visitor: str) -> list[Upload]:
    """List a visitor's stored archives, newest first."""
    return open_store().uploads.of(visitor)


def upload_path(visitor: str, reference: str) -> Path:
    """Name the file behind a visitor's upload, for a preview; a `DataError` if it is gone."""
    return uploads.path_of(open_store(), uploads.find(open_store(), visitor, reference))


def upload_room(visitor: str) -> tuple[int, int]:
    """Say how many bytes of pictures and weights a visitor has stored, and how many they may."""
    return uploads.room(open_store(), visitor)


def expires(upload: Upload) -> float:
    """Say when an upload will be deleted, in seconds since 1970."""
    return upload.created + limits().upload_seconds


def delete_upload(visitor: str, reference: str) -> None:
    """Delete a visitor's upload, and the copies of its pictures in runs; a `RunError` while a run needs it."""
    uploads.delete(open_store(), visitor, reference)


def store_weights(visitor: str, backbone: str, name: str, content: bytes) -> str:
    """Keep a weights file for ``backbone``; returns what `FinetuneConfig.weights` takes. Raises `WeightsError`."""
    return own_weights.store(open_store(), visitor, backbone, name, content)


def weights_of(visitor: str) -> list[OwnWeights]:
    """List a visitor's stored weights, newest first."""
    return open_store().weights.of(visitor)


def delete_weights(weights: OwnWeights) -> None:
    """Delete a visitor's weights; a `RunError` while a run of theirs began with them."""
    own_weights.delete(open_store(), weights)


def shown(run_id: str) -> Shown:
    """Read what a run of any kind has told so far; for a page that polls, feed one of its own with `events`."""
    spec = run(run_id).spec
    told = table.kind(spec).shown(spec.config)
    told.absorb(artefacts.whole_log(_directory(run_id) / artefacts.EVENTS))
    return told


def _service() -> _Service:
    path = home()
    with _lock:
        if path not in _services:
            _services[path] = _Service(store=Store(path))
        return _services[path]


def open_store() -> Store:
    """Open the store of this process's data directory, once."""
    return _service().store


def _key() -> bytes:
    """Read the key of pseudonyms, the same in every process that shares this store; it is drawn at first use."""
    store = open_store()
    key = store.setting(_PSEUDONYMS)
    if key is None:
        store.set_setting(_PSEUDONYMS, secrets.token_hex(32))
        key = store.setting(_PSEUDONYMS)
    return bytes.fromhex(key or "")


def _refuse_at_the_end() -> None:
    if _leaving.is_set():
        raise errors.RunError("The server is about to restart; try again in a minute.")


def _wake() -> None:
    start()
    dispatcher = _service().dispatcher
    if dispatcher is not None:
        dispatcher.wake()


def _directory(run_id: str) -> Path:
    return run_directory(home(), run_id)


def _owned(run_id: str, visitor: str | None) -> RunRecord:
    record = run(run_id)
    if visitor is not None and record.visitor != visitor:
        raise errors.RunError("This run belongs to somebody else; you can look at it, but not change it.")
    return record


def _controls_only(run_id: str) -> bool:
    """Whether a run is the control of exactly one other: then it follows that one."""
    return run(run_id).control_of is not None and open_store().linked_to(run_id) == 1


def _more_epochs(record: RunRecord, epochs: int, allowed: Limits | None) -> None:
    if record.active:
        raise errors.RunError("The run is still going on; wait until it has ended, or stop it first.")
    asked = epochs_of(record.spec.finetune)
    errors.within("The number of further epochs", epochs, 1, MOST_EPOCHS - asked)
    _requeue(record, asked + epochs, allowed)


def _requeue(record: RunRecord, epochs: int, allowed: Limits | None) -> None:
    """Queue a run again, to end after ``epochs`` counted from its beginning; a control that follows needs no room."""
    _refuse_at_the_end()
    config = dataclasses.replace(record.spec.finetune, epochs=epochs)
    open_store().requeue(record.id, dataclasses.replace(record.spec, config=config), limits=allowed)


def _epochs_kept(run_id: str) -> int:
    """Read from the log how many epochs the checkpoint on disk has behind it."""
    lines = artefacts.whole_log(_directory(run_id) / artefacts.EVENTS)
    kept = (line["epoch"] for line in reversed(lines) if line["event"] in ("checkpoint", "resumed"))
    return next(kept, 0)


def _forget(run_id: str) -> None:
    open_store().delete(run_id)
    shutil.rmtree(_directory(run_id), ignore_errors=True)
