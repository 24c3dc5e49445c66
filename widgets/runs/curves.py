"""The curves of a fine-tuning, from its log: while it goes, and beside another one's."""

import math

from core.figures.learning_curves import LearningCurves
from core.runs.kinds.finetuning import epochs_of
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.store.runs import RunRecord
from widgets.runs.follow import follow


def timeline_of(record: RunRecord) -> Timeline:
    """Read what is new of a fine-tuning since the last look of this session."""
    timeline = follow(record)
    assert isinstance(timeline, Timeline)
    return timeline


def curves(timeline: Timeline, record: RunRecord) -> LearningCurves:
    """Turn a timeline into what the figure takes."""
    epochs = epochs_planned(record, timeline)
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
            (batch.event.step / batch.event.steps * epochs, batch.event.loss)
            for batch in timeline.batches
            if batch.event.steps and math.isfinite(batch.event.loss)
        ],
        best_epoch=timeline.finished.best_epoch if timeline.finished is not None else None,
    )


def epochs_planned(record: RunRecord, timeline: Timeline) -> int:
    """How many it will be: as training has said, before that as was asked."""
    asked = epochs_of(record.spec.finetune)
    return asked if timeline.started is None else timeline.started.config.get("epochs") or asked
