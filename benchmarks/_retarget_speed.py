# SPDX-License-Identifier: GPL-3.0-or-later
"""One transfer between dense heads: ``python _retarget_speed.py VERTICES`` prints its figures."""

from __future__ import annotations

import json
import resource
import runpy
import sys
import time
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent


def measure(vertices: int) -> dict[str, float]:
    """Seconds of each stage, and megabytes more at the peak, for two heads of this size."""
    from facewright.benchmarks.retarget_truth.makehuman import SHAPES
    from facewright.benchmarks.retarget_truth.truth import dense, picked, shuffled
    from facewright.benchmarks.retarget_truth.warp import bent, warp
    from facewright.core.retarget.binding import bind
    from facewright.core.retarget.contacts import spared
    from facewright.core.retarget.fitting import fit
    from facewright.core.retarget.generate import Source, skin_moves, telling
    from facewright.core.retarget.mesh import Mesh
    from facewright.core.retarget.smoothing import DEFAULT
    from facewright.core.retarget.transfer import transfer
    from facewright.core.watch import Watch

    own = warp().driver
    columns = np.concatenate([own.shapes, [own.opened - own.mesh.points]])
    flat = columns.transpose(1, 0, 2).reshape(len(own.opened), -1)
    driver, flat = dense(own.mesh, vertices, flat)
    *shapes, opening = flat.reshape(vertices, -1, 3).transpose(1, 0, 2)
    goal = Mesh.of(bent(driver.points), driver.triangles)
    target, _ = shuffled(goal, 3)
    here, _ = warp().pairs(31)
    at = here.corners[:, 0]
    there = picked(target, goal.points[at], goal.normals[at])

    figures: dict[str, float] = {}
    before, clock = _peak_mb(), time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        figures[f"{name}_s"] = time.perf_counter() - clock
        clock = time.perf_counter()

    laid = fit(driver, driver.points + opening, target, here, there)
    lap("fit")
    figures["fit_peak_mb"] = _peak_mb() - before
    moves = transfer(driver, np.array(shapes), laid.points, SHAPES)
    lap("transfer")
    fitted = driver.moved_to(laid.points)
    binding = bind(fitted, telling(SHAPES, moves), target)
    lap("bind")
    weights = spared(driver, np.array(shapes), SHAPES)
    source = Source(fitted, SHAPES, moves, weights, {}, laid.similarity, np.eye(3))
    skin_moves(source, target, DEFAULT, binding, Watch())
    lap("generate")
    figures["peak_mb"] = _peak_mb() - before
    return figures


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    runpy.run_path(str(CHECKOUT / "worker" / "bootstrap.py"))["load_package"]()
    print(json.dumps(measure(int(sys.argv[1]))))
