# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one benchmark: ``python benchmarks NAME FILE`` writes its figures to FILE as JSON.

``python benchmarks NAME FILE DEVICE`` runs its networks on another processor, where the benchmark
knows how (``measure(device)``).

A benchmark is a file of this folder with ``measure() -> dict[str, float]``: one figure a name, with
its unit at the end of the name. ``ENVIRONMENT = "bpy45"`` in it asks `tools/dev.py bench` for that
environment instead of "core"; FACEWRIGHT_ZIP then names the extension's zip.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
UNITS = ("s", "ms", "us", "mb", "kb", "x", "count", "hz", "percent")


def calibrate() -> float:
    """Seconds for a fixed numpy product: how fast this machine is at the moment."""
    matrix = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(5):
            matrix @ matrix
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def main(name: str, target: str, *device: str) -> None:
    runpy.run_path(str(FOLDER.parent / "worker" / "bootstrap.py"))["load_package"]()
    sys.path.insert(0, str(FOLDER))
    figures: dict[str, float] = {}
    figures.update(runpy.run_path(str(FOLDER / f"{name}.py"))["measure"](*device))
    unclear = [key for key in figures if key.rpartition("_")[2] not in UNITS]
    if unclear:
        raise SystemExit(f"{name}: no unit at the end of {', '.join(unclear)}")
    figures["calibration_s"] = calibrate()
    Path(target).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
