"""Measure what the view *General to specific* begins with, and keep it for the page to show.

    python -m tools.measure_specificity [NETWORK …]

Of the network that the page Layers begins with, and of our own small one; a minute or two each.
"""

import argparse
import dataclasses
import datetime
import os
import platform
import time

import torch

from core.backbones import catalogue
from core.datasets.open import load
from core.interpretation import specificity_measurement as kept
from core.interpretation import specimen
from core.interpretation.specificity_measurement import SpecificityMeasurement, SpecificityQuestion
from core.training import precision


def main() -> None:
    """Measure, write and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NETWORK", default=[catalogue.DEFAULT, catalogue.BUILT_IN]
    )
    for name in parser.parse_args().names:
        question = kept.beginning(name)
        found = _measured(question)
        kept.write(question, found)
        print(f"{name}: {found.report.seconds:.1f} s for the two networks. {found.shipped}")


def _measured(question: SpecificityQuestion) -> SpecificityMeasurement:
    """Measure, and tell seconds of the processor: what an idle machine with one core would take."""
    network, control = specimen.pretrained(question.network), specimen.random(question.network)
    dataset = load(question.data, side=question.side, fit=question.fit)
    began = networks_done = time.process_time()
    with precision.autocast(torch.device("cpu")):
        for state in kept.measure(network, control, dataset, question.most):
            if isinstance(state, SpecificityMeasurement):
                where = f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
                seconds = time.process_time() - began
                return dataclasses.replace(
                    state,
                    report=dataclasses.replace(state.report, seconds=networks_done - began),
                    shipped=f"Measured on {datetime.date.today().isoformat()} in {seconds:.0f} s of processor time: "
                    f"{where}.",
                )
            print(f"{question.network}: {100 * state.share:.0f} % {state.phase}", flush=True)
            if state.share <= kept.NETWORK_PART:
                networks_done = time.process_time()
    raise AssertionError("a measurement ends with what it found")


if __name__ == "__main__":
    main()
