"""Try every choice of every technique's settings, one at a time, and print what became of it.

    python -m tools.try_every_setting [NAME …] [--seeds 2] [--limit 60]

Every name of a choice, both positions of a switch and both ends of every number run through the command line as
somebody would run them. Seconds are the processor's, so that a busy machine tells the same; a run that takes more
than ``--limit`` of them is ended, and its time worked out from the share that was done. Exit status 1 where a run
fails, warns, or finds something that is not a number. Linux only.
"""

import argparse
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.settings import described
from core.techniques import catalogue
from core.techniques.technique import Settings

_COMMON = ("seeds", "first_seed")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run with one setting changed."""

    technique: str
    setting: str  # "steps=5"; "" for the defaults
    seconds: float
    usual: float  # seconds that the technique's own number of seeds would have taken
    wrong: str  # what was wrong; empty if nothing was
    verdict: str


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument(
        "--limit", type=float, default=60.0, help="the processor's seconds after which a run is ended"
    )
    chosen = parser.parse_args()
    failed = False
    print(f"{'technique':<24} {'setting':<30} {'s':>6} {'usual':>6}  verdict, or what was wrong")
    for name in chosen.names or catalogue.techniques():
        for setting in ("", *choices(catalogue.technique(name).settings)):
            found = tried(name, setting, seeds=chosen.seeds, limit=chosen.limit)
            failed |= bool(found.wrong)
            figures = f"{found.seconds:>6.1f} {found.usual:>6.0f}"
            told = f"WRONG: {found.wrong}" if found.wrong else found.verdict
            print(f"{name:<24} {setting or 'defaults':<30} {figures}  {told}", flush=True)
    sys.exit(failed)


def choices(kind: type[Settings]) -> Iterator[str]:
    """Give ``field=value`` for every value worth a try that is not the default."""
    for field in described(kind).values():
        if field.name in _COMMON:
            continue
        values: Iterable[object] = field.choices
        if field.kind is bool:
            values = ("true", "false")
        elif field.low is not None and field.high is not None:
            values = [field.kind(limit) for limit in (field.low, field.high)]
        for value in values:
            if str(value) != str(field.default).replace("True", "true").replace("False", "false"):
                yield f"{field.name}={value}"


def tried(name: str, setting: str, *, seeds: int, limit: float) -> Trial:
    """Run ``name`` with ``setting`` in a process of its own."""
    more = ["--set", setting] if setting else []
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "technique", name, *more, "--seeds", str(seeds), "--json"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 5))
    assert process.stdout is not None
    assert process.stderr is not None
    complaints: list[str] = []
    reader = threading.Thread(target=complaints.extend, args=(process.stderr,), daemon=True)
    reader.start()
    done = 0.0
    verdict, wrong = "", ""
    for line in process.stdout:
        told = json.loads(line)
        if told["event"] == "progress":
            done = told["done"]
        elif not _finite(told):
            wrong = f"not a number: {line[:120]}"
        if told["event"] == "result":
            verdict = told["verdict"]
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    seconds = used.ru_utime + used.ru_stime
    ended = process.returncode == -signal.SIGXCPU
    if complaints:
        wrong = wrong or complaints[-1].strip()
    elif process.returncode and not ended:
        wrong = wrong or f"exit status {process.returncode}"
    whole = seconds if not ended else seconds / done if done else math.inf
    usual = catalogue.technique(name).settings().seeds
    if ended:
        verdict = f"ended after {seconds:.0f} s, {100 * done:.0f} % done"
    return Trial(
        technique=name,
        setting=setting,
        seconds=seconds,
        usual=whole * usual / seeds,
        wrong=wrong,
        verdict=verdict,
    )


def _finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(_finite(one) for one in value.values())
    if isinstance(value, list):
        return all(_finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)


if __name__ == "__main__":
    main()
