# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine, stage by stage, on one core and on two, for models of every kind and real size.

- ``builtin``: the model of the extension, window by window and whole clips at once;
- ``regression``: a stand-in of 272 coefficients on 61,520 vertices, ``diffusion``: one of 88,831
  channels. Their networks are next to nothing, so that what counts is everything around them: the
  short way from coefficients to weights (``cheap``) against the way over all vertices (``long``);
- ``worker``: its start, and the way of 61,520 vertices there and back.

Every part has a fresh process, so that its memory is its own. ``..._us`` is per frame, ``..._hz``
frames per second, ``real_time_x`` how many times faster than the voice.

``python benchmarks engine FILE cuda`` does the same on another processor, with a Python that has
onnxruntime for it, and compares what the networks say with the CPU: within 1e-3 of the range, or
the benchmark stops. Where there is no such processor, it says so.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parent
LIMIT_S = 900
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
POSES_IN_USE = [1] * 51 + [0]


def measure(device: str = "cpu") -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 1]
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        places = {**_stand_ins(Path(folder)), "worker": Path(folder)}
        places["builtin"] = CHECKOUT / "models" / "facewright"
        for count, word in ((1, "one_core"), (2, "two_cores")):
            if count > len(cores):
                break
            for part in ("builtin", "regression", "diffusion", "worker"):
                told = _child(part, places[part], count, cores[:count], device)
                figures.update({f"{part}_{word}_{key}": value for key, value in told.items()})
    return figures


def _stand_ins(folder: Path) -> dict[str, Path]:
    """Folders of models whose networks are known in closed form, of real size."""
    stubs = runpy.run_path(str(CHECKOUT / "tests" / "stubs.py"))
    poses = {"bsSolveActivePoses": POSES_IN_USE}
    places = {name: folder / name for name in ("regression", "diffusion")}
    stubs["make_stub_model"](
        places["regression"],
        vertices=61_520,
        skin_shapes=272,
        tongue_vertices=5_602,
        tongue_shapes=10,
        skin_solve=poses,
    )
    stubs["make_stub_diffusion"](
        places["diffusion"], skin_vertices=24_002, tongue_vertices=5_602, skin_solve=poses
    )
    return places


def _child(part: str, place: Path, count: int, cores: list[int], device: str) -> dict[str, float]:
    """One part in a process of its own, on these cores only."""
    environ = {**os.environ, **dict.fromkeys(THREADS, str(count))}
    command = [sys.executable, str(FOLDER / "_engine_part.py"), part, str(place), str(count)]
    command += [",".join(map(str, cores)), device]
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, timeout=LIMIT_S, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"engine: the part {part} ended with exit code {done.returncode}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
