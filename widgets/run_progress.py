"""How far a run is: followed while it goes, and told in words and curves."""

from core.figures.learning_curves import LearningCurves
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.spec import epochs_of
from core.runs.store.runs import RunRecord
from widgets import followed

_PHASES = {
    "data": "Reading the pictures",
    "weights": "Fetching the pretrained weights",
    "cluster": "Waiting for a node of the cluster",
    "features": "Running the frozen stages once",
    "probe": "Solving the probe",
    "evaluate": "Measuring",
}


def follow(run_id: str) -> Timeline:
    """Read what is new in a run's log since the last look of this session."""
    return followed.follow(run_id, Timeline)


def pace(timeline: Timeline, record: RunRecord) -> str:
    """Say where a running run is: its phase or epoch, its pace, the time left."""
    if timeline.started is None and timeline.progress is None:
        return "reading the pictures"
    parts = []
    if timeline.progress is None and not timeline.batches and not timeline.epochs:
        parts.append("Preparing the network")
    elif timeline.progress is not None:
        parts.append(_PHASES.get(timeline.progress["phase"], timeline.progress["phase"].capitalize()))
    else:
        epochs = (timeline.started or {}).get("config", {}).get("epochs") or epochs_of(record.spec.config)
        parts.append(f"Epoch {min(len(timeline.epochs) + 1, epochs)} of {epochs}")
    if timeline.images_per_second is not None:
        parts.append(f"{timeline.images_per_second:,.0f} pictures/s")
    if timeline.seconds_left is not None:
        parts.append(f"{_seconds(timeline.seconds_left)} left")
    return " · ".join(parts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def curves(timeline: Timeline, record: RunRecord) -> LearningCurves:
    """Turn a timeline into what the figure takes."""
    config = (timeline.started or {}).get("config", {})
    epochs = config.get("epochs") or epochs_of(record.spec.config)
    nan = float("nan")
    done = timeline.epochs
    return LearningCurves(
        epochs=max(epochs, len(done)),
        train_accuracy=[nan if one.train_accuracy is None else one.train_accuracy for one in done],
        validation_accuracy=[
            nan if one.validation_accuracy is None else one.validation_accuracy for one in done
        ],
        train_loss=[nan if one.train_loss is None else one.train_loss for one in done],
        validation_loss=[nan if one.validation_loss is None else one.validation_loss for one in done],
        batches=[
            (one["step"] / one["steps"] * epochs, one["loss"])
            for one in timeline.batches
            if one["steps"] and one["loss"] is not None
        ],
        best_epoch=timeline.finished["best_epoch"] if timeline.finished is not None else None,
    )
