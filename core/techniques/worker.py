"""Run an experiment in a process of its own and print its events, one JSON object a line.

    python -m core.techniques.worker '{"technique": "multi-task", "settings": {"seeds": 5}}'

What a person did wrong is a line of its own: {"error": "one sentence"}.
"""

from core import errors, live
from core.techniques import catalogue


def main() -> None:
    """Do what is asked."""
    asked = live.asked_of_worker()
    technique = catalogue.technique(asked["technique"]).chosen(asked["settings"])
    try:
        for event in technique.run(technique.settings(**asked["settings"])):
            live.say(event.to_json())
    except errors.LabError as error:
        live.say({"error": str(error)})


if __name__ == "__main__":
    main()
