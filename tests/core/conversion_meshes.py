# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes with poses whose right weights are known, and clips of them."""

from __future__ import annotations

import numpy as np
from facewright.core.solve import conversion

SIZE = 20.0  # template size that tests of strengths use


def orthogonal(*sizes: float, seed: int = 0):
    """A basis whose poses move a vertex each, by these distances."""
    rng = np.random.default_rng(seed)
    neutral = rng.uniform(-5, 5, (len(sizes) + 8, 3))
    deltas = np.zeros((len(sizes), *neutral.shape))
    for place, size in enumerate(sizes):
        way = rng.normal(size=3)
        deltas[place, place] = size * way / np.linalg.norm(way)
    names = [f"pose{place}" for place in range(len(sizes))]
    return conversion.basis_of(names, neutral, deltas), neutral, deltas


def overlapping(poses: int = 12, vertices: int = 50, seed: int = 0):
    """A basis whose poses overlap much."""
    rng = np.random.default_rng(seed)
    neutral = rng.uniform(-5, 5, (vertices, 3))
    common = rng.normal(0, 0.5, (4, vertices, 3))
    deltas = np.einsum("pk,kvx->pvx", rng.normal(size=(poses, 4)), common)
    deltas += rng.normal(0, 0.3, deltas.shape)
    return conversion.basis_of([f"pose{p}" for p in range(poses)], neutral, deltas), neutral, deltas


def posed(neutral, deltas, weights):
    """Faces (T, V, 3) float64."""
    return neutral + np.einsum("tp,pvx->tvx", np.atleast_2d(weights), deltas)


def wanted(frames: int, poses: int, seed: int = 1):
    """Weights (T, P) that wander from below 0 to above 1, many at the bounds."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / 30.0
    waves = np.sin(
        2 * np.pi * rng.uniform(0.2, 3, (poses, 4)) * time + rng.uniform(0, 7, (poses, 4))
    )
    return (waves * rng.uniform(0.1, 0.5, (poses, 4))).sum(axis=2) + rng.uniform(-0.4, 0.8, poses)


def strength(basis):
    """s of the formulas for ``SIZE``."""
    return basis.size2 / SIZE**2


def converted(basis, faces, **settings):
    """The conversion of vertices, with every strength off that is not given."""
    off = {"regularisation": 0.0, "temporal": 0.0, "sparsity": 0.0, "symmetry": 0.0}
    wish = conversion.ConversionSettings(**{**off, "template_size": SIZE, **settings})
    sides, energies = conversion.sides_of(basis, faces), conversion.energies_of(basis, faces)
    return conversion.convert(basis, sides, energies, wish)
