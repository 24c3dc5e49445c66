"""Run the experiment in a process of its own and print its events, one JSON object a line.

    python -m core.riding.worker '{"arms": ["scratch"], "seeds": [1, 2], "target": "motorcycle", "tests": [0, 80]}'

Ends by itself when standard input is closed: whoever started it is gone.
"""

import json
import os
import sys
import threading

from core.riding import experiment
from core.riding.experiment_report import Report


def main() -> None:
    """Read what is asked, and run it behind whatever else this machine has to do."""
    asked = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)
    for event in experiment.run(asked["arms"], asked["seeds"], target=asked["target"], tests=asked["tests"]):
        line: dict[str, object] = (
            {"report": event.to_json()}
            if isinstance(event, Report)
            else {"done": event.done, "learning": event.learning}
        )
        print(json.dumps(line), flush=True)


def _end_with_the_asker() -> None:
    # Not through sys.stdin, whose lock this thread would still hold when the interpreter ends.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
