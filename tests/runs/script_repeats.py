"""Runs trained by the lab (recorded, exported), then again by the script that was exported; and how far they differ."""

import contextlib
import dataclasses
import io
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.events import CheckpointReady
from core.runs.export import archive as export
from core.runs.files import artefacts
from core.runs.kinds import pretrained
from core.runs.kinds.finetuning import Finetuning
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.kind import Work
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import Finished
from core.training.parts import draw_parts


@dataclass(frozen=True, kw_only=True)
class Case:
    """One configuration. ``parts`` it is run in: up to which epoch each was asked for, and where it was stopped."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    parts: tuple[tuple[int, int | None], ...] = ()  # (): in one go


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """What came out: accuracies (0-1), and by how much test scores (0-1) and trained weights differ at most."""

    reported: float
    found: float
    scores: float
    weights: float

    @property
    def repeats(self) -> bool:
        """Whether the script printed the reported accuracy, to the four places that it prints."""
        return f"{self.found:.4f}" == f"{self.reported:.4f}"


def cases(weights: str | None = None) -> Iterator[Case]:
    """Every strategy with every kind of views, then each other setting where it matters, then other networks."""
    for strategy in STRATEGIES:
        for views in (1, 4, 0):
            if (strategy, views) != ("linear_probe", 0):  # refused: a probe is solved once
                yield Case(name=f"{strategy}, views {views}", changes={"strategy": strategy, "views": views})
    for depth in (0, 1, 4, 5):
        for views in (1, 4):
            yield Case(name=f"depth {depth}, views {views}", changes={"freeze_depth": depth, "views": views})
    yield Case(name="depth 5, views 0", changes={"freeze_depth": 5, "views": 0})
    yield Case(name="lp_ft, depth 3, views 4", changes={"strategy": "lp_ft", "freeze_depth": 3, "views": 4})
    mlp = {"head": "mlp", "head_width": 24}
    yield Case(name="mlp, depth 3", changes=mlp)
    yield Case(name="mlp, depth 5, views 4", changes={**mlp, "freeze_depth": 5, "views": 4})
    yield Case(name="mlp, full, views 0", changes={**mlp, "strategy": "full", "views": 0})
    yield Case(name="mlp, gradual", changes={**mlp, "strategy": "gradual"})
    for optimiser in ("sgd", "rmsprop"):
        yield Case(name=f"{optimiser}, full", changes={"optimiser": optimiser, "strategy": "full"})
        yield Case(name=f"{optimiser}, depth 3, views 4", changes={"optimiser": optimiser, "views": 4})
    for views in (1, 4, 0):
        yield Case(name=f"mixup, depth 3, views {views}", changes={"mixup": 0.4, "views": views})
    yield Case(name="mixup, full, views 4", changes={"mixup": 0.4, "strategy": "full", "views": 4})
    yield Case(name="mixup, depth 5", changes={"mixup": 0.4, "freeze_depth": 5})
    yield Case(
        name="mixup, smoothing, gradual",
        changes={"mixup": 0.4, "label_smoothing": 0.1, "strategy": "gradual"},
    )
    yield Case(name="smoothing, depth 3", changes={"label_smoothing": 0.1})
    yield Case(
        name="smoothing, mlp, surgical", changes={**mlp, "label_smoothing": 0.1, "strategy": "surgical"}
    )
    yield Case(name="l2_sp, full", changes={"l2_sp": 0.1, "strategy": "full"})
    yield Case(name="l2_sp, depth 3, views 4", changes={"l2_sp": 0.1, "views": 4})
    yield Case(name="l2_sp, lp_ft", changes={"l2_sp": 0.1, "strategy": "lp_ft"})
    for views in (1, 4):
        yield Case(
            name=f"learning, depth 3, views {views}", changes={"batch_norm": "learning", "views": views}
        )
    yield Case(name="learning, depth 5", changes={"batch_norm": "learning", "freeze_depth": 5})
    yield Case(name="learning, gradual", changes={"batch_norm": "learning", "strategy": "gradual"})
    yield Case(name="stage decay, full", changes={"stage_decay": 0.7, "strategy": "full"})
    for size in (2, 7, 64):
        yield Case(name=f"batch {size}, depth 2", changes={"batch_size": size, "freeze_depth": 2})
    yield Case(name="no cache, depth 3, views 4", changes={"cache": False, "views": 4})
    yield Case(name="patience 1, depth 3", changes={"patience": 1, "epochs": 8, "learning_rate": 5e-3})
    yield Case(name="warm-up 0.5, no decay", changes={"warm_up": 0.5, "weight_decay": 0.0})
    yield Case(name="rate 0.03, depth 2", changes={"learning_rate": 0.03, "freeze_depth": 2})
    yield Case(name="extended, depth 3, views 4", changes={"views": 4}, parts=((3, None), (5, None)))
    yield Case(
        name="extended twice, full", changes={"strategy": "full"}, parts=((2, None), (3, None), (5, None))
    )
    yield Case(name="extended, gradual", changes={"strategy": "gradual"}, parts=((3, None), (6, None)))
    yield Case(name="extended on its way", changes={"freeze_depth": 2}, parts=((3, 1), (4, None)))
    yield Case(name="stopped, depth 3, views 0", changes={"views": 0}, parts=((3, 1), (3, None)))
    yield Case(
        name="stopped, lp_ft, views 4", changes={"strategy": "lp_ft", "views": 4}, parts=((3, 2), (3, None))
    )
    yield Case(name="ended early, full", changes={"strategy": "full"}, parts=((6, 3), (3, None)))
    yield Case(name="mobilenet, scratch", changes={"backbone": "mobilenet_v3_small", "strategy": "scratch"})
    yield Case(name="efficientnet, scratch", changes={"backbone": "efficientnet_b0", "strategy": "scratch"})
    lite0 = {"backbone": "efficientnet_lite0"}
    yield Case(name="lite0, depth 3, views 4", changes={**lite0, "freeze_depth": 3, "views": 4})
    yield Case(name="lite0, full", changes={**lite0, "strategy": "full"})
    yield Case(name="lite0, lp_ft, mixup", changes={**lite0, "strategy": "lp_ft", "mixup": 0.2})
    yield Case(name="lite0, scratch", changes={**lite0, "strategy": "scratch"})
    for name in ("resnet", "convnext", "vit"):
        of_timm = {"backbone": f"timm:test_{name}", "image_size": 64, "strategy": "scratch"}
        yield Case(name=f"timm's {name}, scratch", changes=of_timm)
    if weights:
        net = {"backbone": "squeezenet1_0", "weights": weights, "learning_rate": 1e-4}
        yield Case(name="squeezenet, probe", changes={**net, "strategy": "linear_probe"})
        yield Case(name="squeezenet, depth 3, views 4", changes={**net, "freeze_depth": 3, "views": 4})
        yield Case(name="squeezenet, lp_ft, mixup", changes={**net, "strategy": "lp_ft", "mixup": 0.2})
        yield Case(
            name="squeezenet, full, batch 1",
            changes={**net, "strategy": "full", "batch_size": 1, "epochs": 1},
        )
        yield Case(name="squeezenet, statistics", changes={**net, "strategy": "scratch_statistics"})


def repeat(case: Case, *, data: str, defaults: dict[str, Any], folder: Path) -> Repeat:
    """Train ``case`` in the lab, export it to ``folder``, and train it again by the exported script."""
    config = FinetuneConfig(**{"backbone": "tiny_resnet18", **defaults, **case.changes})
    dataset = open_dataset(data, side=pretrained.image_side(config))
    finished = train(case, config, dataset, folder)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), arguments("reproduce.py", "--train"):
        script = runpy.run_path(str(folder / export.SCRIPT), run_name="__main__")
    network = script["network"]
    images = script["plain_views"](*script["read_part"]("test"))
    features = script["Features"](network, images, depth=0, size=script["CHUNK"])
    scores = script["all_scores"](network, features).softmax(1).cpu()
    kept = load_file(folder / artefacts.WEIGHTS)
    tested = script["finished_network"]().state_dict()  # the script's names
    trained = network.state_dict()
    assert len(kept) == len(tested)
    return Repeat(
        reported=finished.test.accuracy.value,
        found=float(printed.getvalue().split()[-1]),
        scores=float((scores - torch.from_numpy(finished.scores)).abs().max()),
        weights=max(float((tested[name].float() - trained[name].float()).abs().max()) for name in tested),
    )


def train(case: Case, config: FinetuneConfig, dataset: ImageDataset, folder: Path) -> Finished:
    """Run, stop, go on and export as a worker does."""
    finished, state = None, None
    for epochs, stop_after in case.parts or ((config.epochs, None),):
        asked = dataclasses.replace(config, epochs=epochs)
        finished, state = part(asked, dataset, folder, state, stop_after)
    assert finished is not None
    return finished


def part(
    config: FinetuneConfig,
    dataset: ImageDataset,
    folder: Path,
    state: dict[str, Any] | None,
    stop_after: int | None,
) -> tuple[Finished | None, dict[str, Any] | None]:
    """Train from ``state`` on until the run ends, or behind epoch ``stop_after``; export what has finished."""
    kind, splits = Finetuning(), draw_parts(dataset, config)
    recorder = Recorder(folder, kind, RunSpec(config=config, data="any", title="A run"))
    finished = None
    for event in kind.events(Work(config=config, dataset=dataset, splits=splits, earlier=state)):
        recorder.write(event)
        if isinstance(event, CheckpointReady):
            state = event.state
            if event.epoch == stop_after:
                recorder.flush()
                break
        if isinstance(event, Finished):
            finished = event
            assert isinstance(recorder.shown, Timeline)
            for name, content in export.companions(RunResult.of("A run", recorder.shown), splits):
                (folder / name).write_bytes(content)
    recorder.close()
    return finished, state


@contextlib.contextmanager
def arguments(*words: str) -> Iterator[None]:
    """Let ``sys.argv`` be ``words``."""
    before = sys.argv
    sys.argv = list(words)
    try:
        yield
    finally:
        sys.argv = before
