"""Run the experiment in a process of its own and print its events, one JSON object a line.

python -m core.riding.worker '{"arms": ["scratch"], "seeds": [1, 2], "target": "motorcycle", "tests": [0, 80]}'
"""

from core import live
from core.riding import experiment
from core.riding.experiment_report import Report


def main() -> None:
    """Do what is asked."""
    asked = live.asked_of_worker()
    for event in experiment.run(asked["arms"], asked["seeds"], target=asked["target"], tests=asked["tests"]):
        live.say(
            {"report": event.to_json()}
            if isinstance(event, Report)
            else {"done": event.done, "learning": event.phase}
        )


if __name__ == "__main__":
    main()
