"""Measure every backbone of the catalogue and write ``core/backbones/measured.json``.

    python -m tools.measure_catalogue [NAME …]

With names, only these are measured, and the others stay as they stand in the file.
"""

import argparse
import json

from core.backbones import catalogue, timm_catalogue
from core.backbones.measuring import measure


def main() -> None:
    """Measure all, or those that are named, and write the file."""
    parser = argparse.ArgumentParser(description="Measure the catalogue's backbones.")
    parser.add_argument("names", nargs="*", help="of backbones; all if nothing is given")
    everything = (*catalogue.NAMES, *timm_catalogue.NAMES)
    for name in parser.parse_args().names or everything:
        figures = measure(name)
        kept = (
            json.loads(catalogue.MEASURED.read_text(encoding="utf-8")) if catalogue.MEASURED.exists() else {}
        )
        kept[name] = figures
        ordered = {one: kept[one] for one in everything if one in kept}
        lines = ",\n".join(
            f"{json.dumps(one)}: {json.dumps(its)}" for one, its in ordered.items()
        )  # a line each
        catalogue.MEASURED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(
            f"{name:50} {figures['parameters']:>12,} parameters {figures['multiply_adds']:>15,} multiply-adds",
            flush=True,
        )


if __name__ == "__main__":
    main()
