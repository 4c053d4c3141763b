# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the engine runs, on small models, and names its figures with units."""

from __future__ import annotations

import json
import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from .tree import ROOT

STUBS = ROOT / "tests" / "stubs.py"
PART = ROOT / "benchmarks" / "_engine_part.py"
LIMIT_S = 120


def figures(part: str, place: Path, device: str = "cpu") -> tuple[dict[str, float], str]:
    command = [sys.executable, str(PART), part, str(place), "1", first_core(), device]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    units = runpy.run_path(str(ROOT / "benchmarks" / "__main__.py"))["UNITS"]
    assert not [name for name in told if name.rpartition("_")[2] not in units]
    assert not [name for name, value in told.items() if not math.isfinite(value)]
    return told, done.stderr


def first_core() -> str:
    return str(min(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "0"


@pytest.mark.parametrize("kind", ["regression", "diffusion"])
def test_both_ways_to_the_weights_are_measured(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    make = {"regression": "make_stub_model", "diffusion": "make_stub_diffusion"}[kind]
    runpy.run_path(str(STUBS))[make](tmp_path / "m")
    told, _ = figures(kind, tmp_path / "m")
    assert {"network_us", "skin_solve_us", "cheap_us", "long_us", "peak_mb"} <= set(told)


def test_a_processor_that_is_not_there_is_said_aloud(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    runpy.run_path(str(STUBS))["make_stub_model"](tmp_path / "m")
    device = "directml" if sys.platform != "win32" else "coreml"
    told, said = figures("regression", tmp_path / "m", device)
    assert told[f"{device}_missing_count"] == 1.0
    assert "is not used" in said
