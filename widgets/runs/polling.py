"""How often a page looks at runs that go on."""

from core.runs.kinds import table
from core.runs.kinds.lanes import TRAINING
from core.runs.store.runs import RunRecord

POLL_SECONDS = 1.0
WATCHED_POLL_SECONDS = 0.3  # of runs that take seconds, or a minute
WAITING_POLL_SECONDS = 3.0  # a class that waits in the queue must not keep the server busy with looking


def poll_seconds(*records: RunRecord | None) -> float | None:
    """Say how often a view of these runs looks again; None where nothing changes by itself any more."""
    active = [record for record in records if record is not None and record.active]
    if not active:
        return None
    far = all(record.state == "queued" and (record.position or 1) > 1 for record in active)
    if far:
        return WAITING_POLL_SECONDS
    training = any(table.kind(record.spec).lane == TRAINING for record in active)
    return POLL_SECONDS if training else WATCHED_POLL_SECONDS
