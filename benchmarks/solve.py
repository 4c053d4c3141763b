# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion beside scipy's bounded least squares: seconds, ratios, errors.

3,600 frames of the template head's 51 poses that move its skin, with the panel's strengths.
``speech`` is posed with 13 of them in a frame, ``busy`` with 10 and noise on every vertex; some 28
are active in the solution of either. For each the exact solve of every frame for itself, smoothing
by the frames before and by both sides, the latter also with seven cancel pairs. scipy's
``lsq_linear`` solves every ``SHARE``-th frame (its two methods, on the root of the equations); its
seconds are scaled to all. Errors are the largest of a weight: the exact solve's from scipy's, the
two-sided's by how far a pose alone would still move.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from facewright.core.arrays import Doubles
from facewright.core.head import load_head
from facewright.core.solve import conversion
from facewright.core.solve.blendshape import prepare
from facewright.core.solve.conversion import ConversionSettings
from facewright.core.solve.live import live_frame, live_solve
from facewright.core.solve.pose_table import PoseTable
from facewright.core.solve.stretch import Stretch

ROOT = Path(__file__).resolve().parents[1]
FRAMES, FPS, SHARE, ROUNDS, LIVE = 3_600, 60.0, 6, 3, 300
NOISE_CM = 0.02
KINDS = {"speech": (13.0, 0.0), "busy": (10.0, NOISE_CM)}  # poses wanted, noise of vertices
BARS = {"exact_s": 0.5, "two_sided_s": 1.5}
CANCELLED = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("mouthFunnel", "mouthStretchLeft"),
    ("browDownLeft", "browOuterUpLeft"), ("browDownRight", "browOuterUpRight"),
    ("eyeBlinkLeft", "eyeWideLeft"), ("eyeBlinkRight", "eyeWideRight"),
)  # fmt: skip


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    figures: dict[str, float] = {}
    for kind, (active, noise) in KINDS.items():
        basis, sides, energies, reading_us = clip(active, noise)
        figures[f"{kind}_reading_us"] = reading_us
        for name, value in solves(basis, sides, energies).items():
            figures[f"{kind}_{name}"] = value
    for line in table(figures):
        print(line)
    return figures


def clip(active: float, noise: float) -> tuple[conversion.PoseBasis, Doubles, Doubles, float]:
    """The head's basis, sides and energies of a clip, and microseconds to read a frame."""
    skin = load_head(ROOT / "assets" / "head.npz").skin
    moving = [place for place, shape in enumerate(skin.shapes) if shape.any()]
    names, deltas = [skin.shape_names[place] for place in moving], skin.shapes[moving]
    basis = conversion.basis_of(names, skin.vertices, deltas)
    weights = wanted(len(names), active)
    rng = np.random.default_rng(1)
    sides, energies, spent = [], [], 0.0
    for part in np.split(weights.astype(np.float32), FRAMES // 100):
        faces = skin.vertices + np.einsum("tp,pvx->tvx", part, deltas, optimize=True)
        faces = (faces + noise * rng.normal(size=faces.shape)).astype(np.float32)
        began = time.perf_counter()
        sides.append(conversion.sides_of(basis, faces))
        energies.append(conversion.energies_of(basis, faces))
        spent += time.perf_counter() - began
    return basis, np.concatenate(sides), np.concatenate(energies), 1e6 * spent / FRAMES


def wanted(poses: int, active: float) -> Doubles:
    """Weights (T, P) of slow waves, about ``active`` of them above 0 in a frame."""
    rng = np.random.default_rng(0)
    seconds = np.arange(FRAMES)[:, None, None] / FPS
    speed, phase = rng.uniform(0.3, 4, (poses, 4)), rng.uniform(0, 2 * np.pi, (poses, 4))
    waves = np.sin(2 * np.pi * speed * seconds + phase) * rng.uniform(0.1, 0.5, (poses, 4))
    height = waves.sum(axis=2)
    return np.clip(height - np.quantile(height, 1.0 - active / poses, axis=0), 0.0, 1.0)


def solves(basis: conversion.PoseBasis, sides: Doubles, energies: Doubles) -> dict[str, float]:
    """Seconds and errors of one clip."""
    usual = ConversionSettings()
    pairs = {name: place for place, pair in enumerate(CANCELLED) for name in pair}
    wishes = {
        "exact": replace(usual, temporal=0.0),
        "causal": replace(usual, smoothing="causal"),
        "sdk": replace(usual, smoothing="sdk"),
        "two_sided": usual,
        "strong": replace(usual, temporal=50.0),
        "cancel": replace(usual, table=PoseTable(cancel=pairs)),
    }
    figures, found = {}, {}
    for name, settings in wishes.items():

        def run(settings: ConversionSettings = settings) -> conversion.Converted:
            return conversion.convert(basis, sides, energies, settings)

        figures[f"{name}_s"], found[name] = timed(run)
    exact = found["exact"].weights
    figures["active_count"] = float((exact > 0).sum(axis=1).mean())
    figures["live_us"] = live_us(basis, sides, energies, exact)
    solver = prepare(basis, conversion.config_of(basis, wishes["exact"]))
    figures.update(beside_scipy(solver.matrix, sides, exact, figures))
    for name in ("two_sided", "strong"):
        pull = prepare(basis, conversion.config_of(basis, wishes[name])).pull
        stretch = Stretch(solver.matrix, sides, pull, np.zeros(sides.shape, bool))
        figures[f"{name}_error_x"] = push(stretch, found[name].weights.astype(np.float64))
    taken = [[basis.names.index(name) for name in pair] for pair in CANCELLED]
    both = [np.minimum(*found["cancel"].weights[:, pair].T).max() for pair in taken]
    figures["cancel_both_x"] = float(max(both))
    return figures


def timed(run: Callable[[], conversion.Converted]) -> tuple[float, conversion.Converted]:
    """Least seconds of some runs, and what they give."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - began)
    return min(times), result


def live_us(
    basis: conversion.PoseBasis, sides: Doubles, energies: Doubles, exact: np.ndarray
) -> float:
    """Microseconds of a frame in Blender's own process, without scipy."""
    live = live_solve(basis, ConversionSettings(temporal=0.0))
    state = live.start()
    began = time.perf_counter()
    for frame in range(LIVE):
        found = live_frame(live, sides[frame], float(energies[frame]), state)
        state = found.state
    spent = time.perf_counter() - began
    assert np.abs(found.weights - exact[LIVE - 1]).max() < 1e-6
    return 1e6 * spent / LIVE


def beside_scipy(
    matrix: Doubles, sides: Doubles, exact: np.ndarray, figures: dict[str, float]
) -> dict[str, float]:
    from scipy.optimize import lsq_linear

    root = np.linalg.cholesky(matrix).T
    targets = np.linalg.solve(root.T, sides.T).T
    result: dict[str, float] = {}
    for method in ("bvls", "trf"):
        began = time.perf_counter()
        rows = [
            lsq_linear(root, target, bounds=(0, 1), method=method, tol=1e-12).x
            for target in targets[::SHARE]
        ]
        seconds = (time.perf_counter() - began) * len(sides) / len(rows)
        result[f"scipy_{method}_s"] = seconds
        result[f"scipy_{method}_ratio_x"] = seconds / figures["exact_s"]
        result[f"scipy_{method}_error_x"] = float(np.abs(exact[::SHARE] - rows).max())
    return result


def push(stretch: Stretch, weights: Doubles) -> float:
    """How far a pose alone would still move from its weight."""
    slope = stretch.slope(weights) / stretch.matrix.diagonal()
    wrong = np.where(weights <= 0, -slope, np.where(weights >= 1, slope, np.abs(slope)))
    return float(np.maximum(wrong, 0.0).max())


def table(figures: dict[str, float]) -> list[str]:
    """One line per figure, with what it must be."""
    names = [name.removeprefix("speech_") for name in figures if name.startswith("speech_")]
    lines = [f"{'':24}{'must':>8}" + "".join(f"{kind:>12}" for kind in KINDS)]
    for name in names:
        bar = f"{BARS[name]:g}" if name in BARS else ""
        values = "".join(f"{figures[f'{kind}_{name}']:12.3g}" for kind in KINDS)
        lines.append(f"{name:24}{bar:>8}{values}")
    return lines
