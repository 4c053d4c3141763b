# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfer to a target of 280,000 vertices: the built-in head's skin, subdivided thrice.

52 shapes; seconds from meshes and pairs to shapes, megabytes at the peak, and what a user sees: how
many times as far as on the driver the mouth opens, and what is left open at jawOpen + mouthClose
and at a blink, of what is open at rest or at jawOpen.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from facewright.benchmarks.retarget_truth import hard
from facewright.benchmarks.retarget_truth.chain import Chain
from facewright.core.head import load_head
from facewright.core.naming import ARKIT_NAMES

ROOT = Path(__file__).resolve().parent.parent
TIMES = 3  # subdivisions


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    head = load_head(ROOT / "assets" / "head.npz")
    chain = Chain(head, ARKIT_NAMES)
    target = hard.shuffled(hard.subdivided(hard.other_face(head), TIMES))
    began = time.perf_counter()
    result = chain(target)
    figures = {
        "large_vertices_count": float(len(target.mesh.points)),
        "large_whole_s": time.perf_counter() - began,
        "large_peak_mb": _peak_mb(),
        "large_open_x": result.mouth(jawOpen=1) / chain.own().mouth(jawOpen=1),
        "large_closed_x": result.mouth(jawOpen=1, mouthClose=1) / result.mouth(jawOpen=1),
        "large_blink_x": result.eye("Left", eyeBlink=1) / result.eye("Left"),
        "large_stretch_x": result.stretch(jawOpen=1),
    }
    for name, value in figures.items():
        print(f"{name}: {value:.3g}")
    return figures


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
