"""What is only measured in the minutes for which a GPU is there must not fail then: here it runs small."""

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def test_runs_on_a_machine_without_a_gpu_and_says_what_needs_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--parts", "speed", "equality", "memory"],
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(
        r"^\| tiny_resnet18 \| (probe|nothing frozen) \| cpu \| \d+ \| \d+ \| .*$", done.stdout, re.M
    )
    assert rows == ["probe", "nothing frozen"]
    apart = re.search(r"^\| tiny_resnet18 \| (\S+) \| (\S+) \|$", done.stdout, re.M)
    assert apart is not None
    assert all(float(value) == 0 for value in apart.groups()), "on a processor, caching changes nothing"
    assert "Needs a GPU" in done.stdout
