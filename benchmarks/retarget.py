# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfer, against heads whose right result is known: how near, how fast, how large.

``soma`` and ``warp`` (see `retarget_truth`) with 12, 20 and 31 pairs and 0, 0.5 and 1 mm of noise
on each, mean of some seeds. ``fit_..._percent`` is the mean distance of the fitted vertices in
percent of the head's height, ``moves_..._percent`` the relative error of the 51 shapes on the
target (root of the squares' sums), ``glued_count`` lip vertices on the wrong lip at jawOpen,
``blink_x`` what is left of the lids' gap at eyeBlink less what the driver leaves, ``lips_x`` the
lips' gap at jawOpen + mouthClose over that at rest. A table shows them beside what they must be
and what they should be; it holds for 31 pairs and 0.5 mm.

Each size of the speed part runs on one core in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from facewright.benchmarks.retarget_truth.makehuman import SHAPES
from facewright.benchmarks.retarget_truth.soma import soma
from facewright.benchmarks.retarget_truth.truth import Truth
from facewright.benchmarks.retarget_truth.warp import warp
from facewright.core.retarget.contacts import spared
from facewright.core.retarget.fitting import fit
from facewright.core.retarget.generate import Source, skin_moves
from facewright.core.retarget.smoothing import DEFAULT
from facewright.core.retarget.transfer import transfer
from facewright.core.watch import Watch

FOLDER = Path(__file__).resolve().parent
COUNTS, NOISES_MM, SEEDS = (12, 20, 31), (0.0, 0.5, 1.0), (1, 2, 3)
SIZES = {"24k": 24_000, "60k": 60_000}
LIMIT_S = 900
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
# What a figure must be and what it should be, at 31 pairs with 0.5 mm of noise
BARS: dict[str, tuple[float, float]] = {
    "soma_fit_face_percent": (0.55, 0.40),
    "soma_fit_lips_percent": (0.35, 0.22),
    "soma_moves_face_percent": (10, 7),
    "soma_moves_lips_percent": (9, 6),
    "soma_moves_lids_percent": (14, 9),
    "soma_glued_count": (0, 0),
    "soma_blink_x": (0.03, 0.01),
    "soma_lips_x": (1.2, 1.05),
    "warp_moves_face_percent": (10, 6),
    "warp_moves_lips_percent": (9, 5),
    "warp_moves_lids_percent": (15, 10),
    "warp_glued_count": (0, 0),
    "warp_blink_x": (0.03, 0.01),
    "warp_lips_x": (1.2, 1.05),
}
TIMES: dict[str, tuple[float, float]] = {"fit_s": (15, 6), "transfer_s": (8, 4), "bind_s": (3, 1.5)}


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    figures: dict[str, float] = {}
    for truth in (soma(), warp()):
        for count in COUNTS:
            for noise in NOISES_MM:
                for name, value in _mean(truth, count, noise).items():
                    figures[f"{truth.name}_{count}_{_mm(noise)}_{name}"] = value
    for name, vertices in SIZES.items():
        figures.update({f"{name}_{key}": value for key, value in _timed(vertices).items()})
    for line in table(figures):
        print(line)
    return figures


def _mm(noise: float) -> str:
    return f"{noise:g}mm".replace(".", "")


def _mean(truth: Truth, count: int, noise_mm: float) -> dict[str, float]:
    """Mean over the seeds; the worst for what is counted."""
    runs = [one_run(truth, count, noise_mm, seed) for seed in (SEEDS if noise_mm else SEEDS[:1])]
    return {
        name: float((np.max if name.endswith("_count") else np.mean)([run[name] for run in runs]))
        for name in runs[0]
    }


def one_run(truth: Truth, count: int, noise_mm: float, seed: int) -> dict[str, float]:
    """Figures of one transfer, by the ends of the names in `BARS`."""
    own = truth.driver
    laid = fit(own.mesh, own.opened, truth.target, *truth.pairs(count, noise_mm, seed))
    moves = transfer(own.mesh, own.shapes, laid.points, SHAPES)
    weights = spared(own.mesh, own.shapes, SHAPES)
    fitted = own.mesh.moved_to(laid.points)
    source = Source(fitted, SHAPES, moves, weights, {}, laid.similarity, np.eye(3))
    result, _ = skin_moves(source, truth.target, DEFAULT, None, Watch())
    rest = truth.blink_ratio(own.mesh.points, own.shapes)
    fits, errors = truth.fit_errors(laid.points), truth.transfer_errors(result)
    return {
        **{f"fit_{region}_percent": value for region, value in fits.items()},
        **{f"moves_{region}_percent": value for region, value in errors.items()},
        "glued_count": truth.glued(result),
        "blink_x": truth.blink_ratio(laid.points, moves) - rest,
        "lips_x": truth.lip_ratio(laid.points, moves),
    }


def _timed(vertices: int) -> dict[str, float]:
    cores = sorted(os.sched_getaffinity(0))[:1] if hasattr(os, "sched_getaffinity") else []
    code = f"import os; os.sched_setaffinity(0, {cores})\n" if cores else ""
    code += (
        "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], None, '__main__')"
    )
    command = [sys.executable, "-c", code, str(FOLDER / "_retarget_speed.py"), str(vertices)]
    environ = {**os.environ, **dict.fromkeys(THREADS, "1")}
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, timeout=LIMIT_S, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(figures: dict[str, float]) -> Iterator[str]:
    """Lines of a table: the bars, and what was reached with every set of pairs and noise."""
    sets = [(count, noise) for count in COUNTS for noise in NOISES_MM]
    titles = [f"{count}, {noise:g}" for count, noise in sets]
    yield f"{'pairs, mm of noise':26}{'must':>8}{'should':>8}" + "".join(f"{t:>9}" for t in titles)
    for name, (must, should) in BARS.items():
        truth, _, rest = name.partition("_")
        keys = [f"{truth}_{count}_{_mm(noise)}_{rest}" for count, noise in sets]
        reached = "".join(f"{figures[key]:9.3g}" for key in keys)
        yield f"{name:26}{must:8g}{should:8g}{reached}"
    for name, (must, should) in TIMES.items():
        reached = "".join(f"{figures[f'{size}_{name}']:9.3g}" for size in SIZES)
        yield f"{'24k and 60k, ' + name:26}{must:8g}{should:8g}{reached}"
