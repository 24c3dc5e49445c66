"""The data directory as an archive and back: whole, private, and taken while others write."""

import contextlib
import dataclasses
import io
import itertools
import json
import shutil
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core import errors
from core.cli import main
from core.runs import backup
from core.runs.files import artefacts
from core.runs.home import run_directory, upload_path
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import RunSpec
from core.runs.store import copies
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from tests.runs.test_runs import until

SPEC = RunSpec(
    config=FinetuneConfig(backbone="tiny_resnet18", epochs=3, image_size=32),
    data="digits",
    title="Anna's digits",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("TLL_HOME", str(path))
    return path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = Store(home)
    yield opened
    opened.close()


def _finished(store: Store, visitor: str = "ann") -> str:
    """A run with every file that a finished one has."""
    run = store.add(SPEC, visitor)
    claim = store.claim(TRAINING)
    assert claim is not None
    _put_result(store.home, claim.run, number=1)
    store.end(claim, "finished", summary={"accuracy": 0.5})
    return run


def _put_result(home: Path, run: str, number: int) -> None:
    """Write files of one generation, in the order in which a recorder does."""
    folder = run_directory(home, run)
    content = _content(number)
    artefacts.write_bytes(folder / artefacts.CHECKPOINT, content)
    artefacts.write_bytes(folder / "snapshots" / f"epoch_{number}.safetensors", content)
    artefacts.write_bytes(folder / artefacts.TEST, content)
    artefacts.write_bytes(folder / artefacts.WEIGHTS, content)
    artefacts.write_json(folder / artefacts.RESULT, {"number": number})
    with open(folder / artefacts.EVENTS, "ab") as log:
        log.write(json.dumps({"event": "checkpoint", "epoch": number}).encode() + b"\n")


def _content(number: int) -> bytes:
    return f"{number:06d}".encode() * 20_000


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("runs.sqlite3")
    }


def test_a_backup_holds_everything_and_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    run = _finished(store)
    waiting = store.add(SPEC, "bob")
    artefacts.write_bytes(upload_path(store.home, "upload-of-ann"), b"pictures")
    store.uploads.add("upload-of-ann", "ann", "anna.zip", "digest", 8)
    artefacts.write_bytes(run_directory(store.home, run) / ".weights.safetensors.half", b"being written")
    (store.home / "logs").mkdir()
    (store.home / "logs" / "worker.log").write_text("for this machine only")

    archive = tmp_path / "saved.tar.gz"
    saved = backup.backup(store.home, archive)
    assert (saved.runs, saved.uploads) == (2, 1)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert not list(store.home.glob(".backup-*"))

    target = tmp_path / "elsewhere" / "home"
    assert backup.restore(archive, target) == saved
    before = _files(store.home)
    del before["logs/worker.log"]
    del before[f"runs/{run}/.weights.safetensors.half"]
    assert _files(target) == before
    for path in [target, *target.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    with closing(Store(target)) as again:
        assert dataclasses.astuple(again.run(run)) == dataclasses.astuple(store.run(run))
        assert again.run(waiting).state == "queued"
        assert [one.name for one in again.uploads.of("ann")] == ["anna.zip"]


def test_what_was_in_work_waits_in_the_copy_and_goes_on_here(store: Store, tmp_path: Path) -> None:
    run, stopping = store.add(SPEC, "ann"), store.add(SPEC, "bob")
    claims = [store.claim(TRAINING, 2), store.claim(TRAINING, 2)]
    assert all(claims)
    store.stop(stopping)
    backup.backup(store.home, tmp_path / "saved.tar")
    assert (store.run(run).state, store.run(stopping).state) == ("running", "stopping")
    backup.restore(tmp_path / "saved.tar", tmp_path / "new")
    with closing(Store(tmp_path / "new")) as again:
        assert (again.run(run).state, again.run(stopping).state) == ("queued", "stopped")
        claim = again.claim(TRAINING)
        assert claim is not None
        assert claim.run == run


def test_runs_find_their_own_weights_in_the_new_directory(store: Store, tmp_path: Path) -> None:
    path = store.home / "weights" / ("a" * 32) / "weights.pth"
    artefacts.write_bytes(path, b"own weights")
    own = dataclasses.replace(SPEC, config=dataclasses.replace(SPEC.finetune, weights=str(path)))
    run, other = store.add(own, "ann"), store.add(SPEC, "ann")
    backup.backup(store.home, tmp_path / "saved.tar")
    backup.restore(tmp_path / "saved.tar", tmp_path / "new")
    with closing(Store(tmp_path / "new")) as again:
        moved = Path(again.run(run).spec.finetune.weights)
        assert moved.is_relative_to(tmp_path / "new")
        assert moved.read_bytes() == b"own weights"
        assert again.run(other).spec == SPEC


def test_a_control_that_gets_more_epochs_meanwhile_is_found_by_those_in_the_copy(
    store: Store, tmp_path: Path
) -> None:
    run = _finished(store)
    scratch = dataclasses.replace(SPEC.finetune, strategy="scratch", epochs=5)

    def link(runs: list[str], uploads: list[str]) -> None:
        store.requeue(run, dataclasses.replace(SPEC, config=scratch))

    (tmp_path / "copy").mkdir()
    copies.copy(store.home, tmp_path / "copy", link)
    main = dataclasses.replace(SPEC, config=FinetuneConfig(backbone="tiny_resnet18", epochs=5, image_size=32))
    with closing(Store(tmp_path / "copy")) as copied:
        assert copied.run(run).spec.config == scratch
        control = control_spec(main)
        assert control.finetune == scratch
        assert copied.run(copied.add(main, "ann", control)).control == run


def test_under_load_every_run_in_the_archive_has_files_that_belong_together(
    store: Store, tmp_path: Path
) -> None:
    """Writers replace results, add runs and delete them while five backups are taken."""
    busy = [_finished(store) for _ in range(4)]
    over = threading.Event()
    failed: list[BaseException] = []
    rounds: Counter[Callable[[int], None]] = Counter()  # of each writer

    def work_on_one(number: int) -> None:
        claim = store.claim(TRAINING, 8)
        if claim is not None:
            _put_result(store.home, claim.run, number)
            store.end(claim, "finished", summary={"accuracy": 0.5})

    def take_up_again(number: int) -> None:
        with contextlib.suppress(errors.RunError):  # the other writer may be at it
            store.requeue(busy[number % 4], SPEC)
        work_on_one(number)

    def come_and_go(number: int) -> None:
        run = store.add(SPEC, f"visitor {number}")
        work_on_one(number)
        if number % 2 and store.run(run).state == "finished":
            store.delete(run)
            shutil.rmtree(run_directory(store.home, run))

    def keep(what: Callable[[int], None]) -> threading.Thread:
        def work() -> None:
            try:
                for number in itertools.count(2):
                    what(number)
                    rounds[what] += 1
                    if over.is_set():
                        return
            except BaseException as error:  # it would vanish with the thread
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    writers = [keep(take_up_again), keep(come_and_go)]
    try:
        for number in range(5):
            backup.backup(store.home, tmp_path / f"{number}.tar")
            # The next one when both have written further, however slow they are.
            known = rounds.copy()
            until(
                lambda known=known: (  # type: ignore[misc]
                    failed or all(rounds[one] >= known[one] + 4 for one in (take_up_again, come_and_go))
                )
            )
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert not failed
    states: list[str] = []
    for number in range(5):
        home = tmp_path / f"restored {number}"
        backup.restore(tmp_path / f"{number}.tar", home)
        with closing(Store(home)) as restored:
            for run in restored.ids():
                folder, state = run_directory(home, run), restored.run(run).state
                states.append(state)
                told = [event["epoch"] for event in artefacts.whole_log(folder / artefacts.EVENTS)]
                if state == "finished":
                    generation = json.loads((folder / artefacts.RESULT).read_bytes())["number"]
                    assert told[-1] == generation
                    for name in (artefacts.WEIGHTS, artefacts.TEST, artefacts.CHECKPOINT):
                        assert (folder / name).read_bytes() == _content(generation)
    assert set(states) <= {"finished", "queued"}
    assert states.count("finished") > 20


def test_a_directory_with_something_in_it_is_left_alone(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _finished(store)
    archive = tmp_path / "saved.tar"
    assert main(["backup", str(archive)]) == 0
    assert "1 run and 0 uploads" in capsys.readouterr().out
    assert main(["restore", str(archive)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["backup", str(archive)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["backup", str(tmp_path / "saved.zip")]) == 2
    assert ".tar.gz" in capsys.readouterr().err


def _crafted(path: Path, real: Path, *extra: tarfile.TarInfo) -> Path:
    """A real backup with something added to it."""
    with tarfile.open(real) as source, tarfile.open(path, "w") as target:
        for member in source:
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == backup.MANIFEST:
                manifest = json.loads(data)
                manifest["files"] += len(extra)
                data = json.dumps(manifest).encode()
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
        for member in extra:
            target.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def _member(name: str, **values: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 3
    for key, value in values.items():
        setattr(member, key, value)
    return member


@pytest.mark.parametrize(
    "extra",
    [
        _member("../outside"),
        _member("runs/../../outside"),
        _member("/tmp/outside"),
        _member("somewhere/else"),
        _member("runs/link", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0),
        _member("runs/link", type=tarfile.LNKTYPE, linkname="/etc/passwd", size=0),
        _member("runs/pipe", type=tarfile.FIFOTYPE, size=0),
    ],
    ids=lambda member: f"{member.name} {member.type!r}",
)
def test_an_archive_with_anything_else_in_it_is_refused(
    store: Store, tmp_path: Path, extra: tarfile.TarInfo
) -> None:
    _finished(store)
    backup.backup(store.home, tmp_path / "saved.tar")
    crafted = _crafted(tmp_path / "crafted.tar", tmp_path / "saved.tar", extra)
    home = tmp_path / "new"
    with pytest.raises(errors.SettingsError, match="no backup of this lab does"):
        backup.restore(crafted, home)
    assert not list(home.iterdir())
    assert not (tmp_path / "outside").exists()
    assert backup.restore(_crafted(tmp_path / "same.tar", tmp_path / "saved.tar"), home).runs == 1


def test_what_is_no_whole_backup_is_refused_in_one_sentence(store: Store, tmp_path: Path) -> None:
    _finished(store)
    whole = tmp_path / "saved.tar.gz"
    backup.backup(store.home, whole)
    content = whole.read_bytes()
    broken = {
        "cut.tar.gz": content[: len(content) // 2],
        "text.tar": b"no archive at all",
        "empty.tar": b"",
    }
    for name, bytes_ in broken.items():
        (tmp_path / name).write_bytes(bytes_)
        with pytest.raises(errors.SettingsError, match="is not a whole backup"):
            backup.restore(tmp_path / name, tmp_path / "new")
        assert not list((tmp_path / "new").iterdir())
    with pytest.raises(errors.SettingsError, match="no file"):
        backup.restore(tmp_path / "missing.tar", tmp_path / "new")
