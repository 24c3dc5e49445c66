"""What every view of a job calls its states, and how often it looks."""

POLL_SECONDS = 1.0
# By state of `core.jobs.store.RunRecord`: the word, and Streamlit's colour of its badge.
STATES = {
    "queued": ("Waiting", "gray"),
    "running": ("Running", "orange"),
    "stopping": ("Stopping", "gray"),
    "finished": ("Finished", "green"),
    "failed": ("Failed", "red"),
    "stopped": ("Stopped", "gray"),
}
