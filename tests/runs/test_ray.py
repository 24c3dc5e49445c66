"""Runs on a real Ray cluster of several nodes on this machine, one of them killed in the middle of a run."""

import dataclasses
import http.server
import importlib.util
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file

from core import environment, errors
from core.events import Progress
from core.riding.config import RidingConfig
from core.runs import data, results, service
from core.runs.executors import ray_cluster, ray_run, ray_task
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds import table
from core.runs.kinds.finetuning import Finetuning
from core.runs.kinds.kind import Work
from core.runs.kinds.sweep import Sweep
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.techniques.config import ExperimentConfig
from core.training.config import FinetuneConfig
from core.training.events import BatchDone, EpochDone, Finished, RunStarted
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone
from tests.runs.ray_nodes import Nodes
from tests.runs.test_runs import LINUX, ended, timeline, until, worker_of

WITH_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None and not os.environ.get("CI"),
    reason="needs Ray: pip install -r requirements-ray.txt",
)

# 200 small photographs of two classes.
CONFIG = FinetuneConfig(
    backbone="tiny_resnet18", strategy="full", epochs=8, image_size=32, views=2, batch_size=16, seed=3
)
SPEC = RunSpec(config=CONFIG, data="lfw-faces")
LONG = dataclasses.replace(SPEC, config=dataclasses.replace(CONFIG, epochs=500))
SWEEP = SweepConfig(
    backbone="tiny_resnet18", per_class=8, seeds=1, epochs=2, image_size=32, batch_size=8, lp_ft=False
)


RIDDEN = RidingConfig(arms=("scratch", "bicycle"), seeds=(1, 2), tests=(0, 2, 60))
TRIED = ExperimentConfig.from_json(
    {"technique": "instance-weighting", "settings": {"seeds": 12, "source_images": 100, "rounds": 10}}
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A head, and its nodes."""
    with Nodes(2) as started:
        yield started


@pytest.fixture
def nodes(cluster: Nodes) -> Nodes:
    """A head and two nodes, whatever the last test did to them."""
    cluster.fill(2)
    return cluster


@pytest.fixture(scope="module")
def home(cluster: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose runs go to the cluster."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLL_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv(ray_cluster.ADDRESS, cluster.address)
        patch.setenv(environment.RAY_RUNS.name, "1")  # one driver is enough here
        service.start()
        yield home
        service.shutdown()


@pytest.fixture
def lab(home: Path, nodes: Nodes) -> Iterator[Path]:
    """The data directory, without a run in it that goes on."""
    yield home
    for record in service.runs_of("ann"):
        if record.active:  # its test has failed
            service.stop(record.id)
            ended(record.id)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads as the cluster's tasks have: sums then come out equal to the bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def log_of(run: str) -> list[dict[str, object]]:
    return artefacts.whole_log(run_directory(service.home(), run) / artefacts.EVENTS)


def count(run: str, kind: str) -> int:
    return sum(line["event"] == kind for line in log_of(run))


def kill_its_node(run: str, nodes: Nodes) -> None:
    """Kill the node that works on a run. Its driver stands still meanwhile: the run cannot be over before."""
    driver = psutil.Process(worker_of(service.home(), table.kind(service.run(run).spec).lane))
    driver.suspend()
    try:
        nodes.kill_busy()
    finally:
        driver.resume()


# --- without a cluster ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1"),
        ("no.such.host.invalid:6379", "No Ray cluster answers at no.such"),
        ("ray://127.0.0.1:10001", "must be the address of a cluster's head"),
        ("somewhere", "must be the address of a cluster's head"),
        ("127.0.0.1:99999", "No Ray cluster answers"),
    ],
)
@WITH_RAY
def test_a_wrong_address_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, address: str, sentence: str
) -> None:
    monkeypatch.setenv(ray_cluster.ADDRESS, address)
    began = time.monotonic()
    with pytest.raises(errors.RunError, match=sentence):
        ray_cluster.check()
    assert time.monotonic() - began < 60  # Ray itself would try for minutes


@WITH_RAY
def test_a_web_server_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(ray_cluster.ADDRESS, f"127.0.0.1:{server.server_port}")
        with pytest.raises(errors.RunError, match="No Ray cluster answers"):
            ray_cluster.check()
        server.shutdown()


def test_without_ray_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ray_cluster.ADDRESS, "127.0.0.1:6379")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.RunError, match=r"install requirements-ray\.txt"):
        ray_cluster.check()


def test_fast_batches_and_progress_are_thinned_and_nothing_else() -> None:
    def told() -> Iterator[BatchDone | Progress]:
        for step in range(1, 101):
            yield BatchDone(step=step, steps=100, loss=1.0, learning_rate=0.1, images_per_second=float("nan"))
            yield Progress(phase="features", done=step, total=100)

    ticks = iter(number * 0.001 for number in range(1000))
    kept = list(ray_task.thinned(Finetuning(), told(), clock=lambda: next(ticks)))
    assert 2 <= len(kept) <= 10
    assert kept[-1] == Progress(phase="features", done=100, total=100)


def test_a_node_needs_no_weights_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network travels; the settings still name the file that the visitor chose."""
    monkeypatch.chdir(tmp_path)  # and the task leaves the folder that it was started in
    from core.backbones import weights

    dataset, kind = data.open_data(SPEC, Store(tmp_path)), Finetuning()
    assert kind.starting_network(CONFIG) is None, "the built-in weights are part of the code"
    file = tmp_path / "mine.safetensors"
    file.write_bytes(weights.built_in_weights_path().read_bytes())
    config = dataclasses.replace(CONFIG, weights=str(file), epochs=1)
    backbone = kind.starting_network(config)
    assert backbone is not None
    file.unlink()
    before = torch.get_num_threads()
    there = list(ray_task.events(kind, Work(config=config, dataset=dataset, backbone=backbone), before))
    here = list(kind.events(Work(config=dataclasses.replace(CONFIG, epochs=1), dataset=dataset)))
    assert isinstance(there[0], RunStarted)
    assert there[0].config["weights"] == str(file)
    assert isinstance(there[-1], Finished)
    assert isinstance(here[-1], Finished)
    np.testing.assert_array_equal(there[-1].scores, here[-1].scores)


# --- on the cluster -------------------------------------------------------------------------------------


@LINUX
@WITH_RAY
def test_a_run_whose_node_is_killed_ends_as_one_that_nobody_disturbed_and_that_had_no_cluster(
    lab: Path, nodes: Nodes, one_thread: None
) -> None:
    run = service.submit(SPEC, "ann", control=False)
    until(lambda: any(one.epoch == 2 for one in timeline(run).epochs))
    kill_its_node(run, nodes)
    record = ended(run)
    assert record.state == "finished", record.error
    resumed = [line["epoch"] for line in log_of(run) if line["event"] == "resumed"]
    assert len(resumed) == 1, "it was over before its node could be killed"
    assert 1 <= resumed[0] < CONFIG.epochs, "it went on, not began anew"
    assert count(run, "started") == 2

    here = list(Finetuning().events(Work(config=CONFIG, dataset=data.open_data(SPEC, Store(lab)))))
    last = here[-1]
    assert isinstance(last, Finished)
    result = results.result(run)
    assert result.test == last.test
    assert result.audit == last.audit
    assert result.best_epoch == last.best_epoch
    assert result.segments == (CONFIG.epochs,)

    def figures(epoch: object) -> tuple[float, ...]:
        names = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
        return tuple(getattr(epoch, name) for name in names)

    assert [figures(one) for one in result.epochs] == [
        figures(one) for one in here if isinstance(one, EpochDone)
    ]
    np.testing.assert_array_equal(results.test_images(run).scores, last.scores)
    kept = load_file(results.weights_path(run))
    assert kept.keys() == last.weights.keys()
    assert all(torch.equal(kept[name], last.weights[name]) for name in kept)
    assert results.snapshots(run) == tuple(range(CONFIG.epochs + 1))


@LINUX
@WITH_RAY
def test_a_run_that_is_silent_for_a_while_is_left_alone_when_another_node_has_died(
    lab: Path, nodes: Nodes
) -> None:
    run = service.submit(LONG, "ann", control=False)
    until(lambda: count(run, "epoch") >= 1)
    nodes.kill_idle()
    (task,) = nodes.tasks()
    task.suspend()
    until(lambda: nodes.believed_alive() == 1)
    time.sleep(2 * ray_run.NODES_SECONDS)
    task.resume()
    epochs = count(run, "epoch")
    until(lambda: count(run, "epoch") > epochs + ray_run.AHEAD)
    assert count(run, "resumed") == 0
    service.stop(run)
    assert ended(run).state == "stopped"


@LINUX
@WITH_RAY
def test_a_sweep_whose_node_is_killed_measures_every_arm_once_with_the_same_answers(
    lab: Path, nodes: Nodes, one_thread: None
) -> None:
    spec = RunSpec(config=SWEEP, data="lfw-faces")
    run = service.submit(spec, "ann")
    until(lambda: count(run, "arm") >= 1)
    kill_its_node(run, nodes)
    record = ended(run)
    assert record.state == "finished", record.error
    assert count(run, "sweep_started") == 2, "it was over before its node could be killed"
    there = [(line["arm"], line["seed"], line["hits"]) for line in log_of(run) if line["event"] == "arm"]
    work = Work(config=SWEEP, dataset=data.open_data(spec, Store(lab)))
    here = [one for one in Sweep().events(work) if isinstance(one, ArmDone)]
    assert there == [(one.arm, one.seed, one.hits) for one in here]


@LINUX
@WITH_RAY
@pytest.mark.parametrize("config", [RIDDEN, TRIED], ids=["riding", "technique"])
def test_a_watched_run_whose_node_is_killed_begins_anew_with_the_same_answers(
    lab: Path, nodes: Nodes, one_thread: None, config: RidingConfig | ExperimentConfig
) -> None:
    spec = RunSpec(config=config)
    run = service.submit(spec, "ann")
    until(lambda: any(line.get("phase") not in ("cluster", None) for line in log_of(run)))
    kill_its_node(run, nodes)
    record = ended(run)
    assert record.state == "finished", record.error
    assert [line["epoch"] for line in log_of(run) if line["event"] == "resumed"] == [0]
    kind, there = table.kind(spec), service.shown(run)
    here = kind.shown(config)
    for event in kind.events(Work(config=config)):
        here.take(event)
    found, expected = (kind.result("", shown) | {"seconds": 0} for shown in (there, here))
    assert artefacts.json_bytes(found) == artefacts.json_bytes(expected)


@LINUX
@WITH_RAY
def test_what_is_wrong_with_a_run_is_said_in_the_same_words(lab: Path) -> None:
    spec = dataclasses.replace(SPEC, config=dataclasses.replace(CONFIG, device="cuda"))
    record = ended(service.submit(spec, "ann", control=False))
    assert record.state == "failed"
    assert record.error == "This machine offers no CUDA device; choose 'auto' or 'cpu'."


@LINUX
@WITH_RAY
def test_a_stopped_run_ends_here_and_on_the_node(lab: Path, nodes: Nodes) -> None:
    run = service.submit(LONG, "ann", control=False)
    until(lambda: count(run, "epoch") > 0)
    (task,) = nodes.tasks()
    service.stop(run)
    assert ended(run).state == "stopped"
    until(lambda: not task.is_running())


@LINUX
@WITH_RAY
def test_the_cluster_says_how_many_runs_it_has_room_for(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.RAY_RUNS.name, "20")
    monkeypatch.setattr(ray_cluster, "_count", ray_cluster._Count())
    may_ask, check = threading.Event(), ray_cluster.check

    def late() -> None:
        may_ask.wait()
        check()

    monkeypatch.setattr(ray_cluster, "check", late)
    assert ray_cluster.capacity() == 1, "nobody waits for the answer"
    may_ask.set()
    until(lambda: ray_cluster.capacity() == 2)
    monkeypatch.setenv(environment.RAY_RUNS.name, "1")
    assert ray_cluster.capacity() == 1
    monkeypatch.setenv(environment.RAY_RUNS.name, "many")
    with pytest.raises(errors.SettingsError, match="whole number"):
        ray_cluster.capacity()


@LINUX
@WITH_RAY
def test_a_run_waits_while_the_cluster_has_no_node_and_can_be_stopped(lab: Path, nodes: Nodes) -> None:
    nodes.kill_all()
    run = service.submit(SPEC, "ann", control=False)
    until(lambda: (told := timeline(run).progress) is not None and told.phase == "cluster")
    time.sleep(1.0)
    service.stop(run)
    assert ended(run).state == "stopped"


@LINUX
@WITH_RAY
def test_a_run_without_its_cluster_fails_with_one_sentence_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv(ray_cluster.ADDRESS, "127.0.0.1:1")
    spec = dataclasses.replace(SPEC, config=dataclasses.replace(CONFIG, strategy="linear_probe"))
    run = service.submit(spec, "ann", control=False)
    try:
        record = ended(run)
        assert record.state == "failed"
        assert record.error is not None
        assert record.error.startswith("No Ray cluster answers at 127.0.0.1:1")
        monkeypatch.delenv(ray_cluster.ADDRESS)
        assert not ray_cluster.wanted()
    finally:
        service.shutdown()
