# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the documentation's pictures: `python tools/pictures [head] [shapes] ...`.

Runs in an environment with the `bpy` module.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("head", "shapes", "expressions", "transfer")


def main() -> None:
    """Render the named pictures, or all."""
    parser = argparse.ArgumentParser(prog="tools/pictures", description="Documentation pictures.")
    parser.add_argument("names", nargs="*", choices=NAMES, help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--samples", type=int, help="samples per pixel; 0 means Workbench")
    options = parser.parse_args()
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    from facewright.tools.pictures import head_pictures

    names = options.names or NAMES
    options.out.mkdir(parents=True, exist_ok=True)
    if "head" in names:
        samples = 64 if options.samples is None else options.samples
        head_pictures.render_portrait(options.out / "head.png", samples=samples)
    if "shapes" in names:
        samples = 14 if options.samples is None else options.samples
        cells = head_pictures.shape_cells()
        head_pictures.render_sheet(options.out / "shapes.png", cells, 10, (190, 220), samples)
    if "expressions" in names:
        samples = 14 if options.samples is None else options.samples
        cells = head_pictures.expression_cells()
        head_pictures.render_sheet(options.out / "expressions.png", cells, 8, (190, 228), samples)
    if "transfer" in names:
        from facewright.tools.pictures import transfer_pictures

        samples = 16 if options.samples is None else options.samples
        transfer_pictures.render_all(options.out / "transfer", samples)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # bpy may hang when the interpreter ends.
    os._exit(0)
