# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's geometry as a model folder holds it: bases, rigs, jaw points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.head import Head
from ..core.naming import ARKIT_NAMES, TONGUE_NAMES
from .articulation import SHAPES
from .face import Projection

SMALLEST = 1e-3  # singular values below this, in centimetres, add no direction


@dataclass(frozen=True)
class Rig:
    """Named poses of one mesh: neutral (V, 3) and deltas (P, V, 3), centimetres."""

    names: tuple[str, ...]
    neutral: np.ndarray
    deltas: np.ndarray


@dataclass(frozen=True)
class Basis:
    """Orthonormal directions (S, V, 3) and how each pose is made of them (P, S)."""

    directions: np.ndarray
    amounts: np.ndarray


def part_rig(head: Head, part: str, names: tuple[str, ...]) -> Rig:
    """The poses ``names`` of one part, in that order."""
    mesh = head.parts[part]
    order = [mesh.shape_names.index(name) for name in names]
    return Rig(names, mesh.vertices, mesh.shapes[order])


def span(deltas: np.ndarray) -> Basis:
    """Directions spanning the poses; every pose is an exact sum of them."""
    flat = deltas.reshape(len(deltas), -1).astype(np.float64)
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    directions = directions[sizes > SMALLEST]
    # A fixed sign makes the folder the same on every machine. The two sides of the face are as
    # strong as each other but for rounding, so the first of the strong numbers decides.
    strength = np.abs(directions)
    strong = (strength > 0.99 * strength.max(1, keepdims=True)).argmax(1)
    strongest = np.take_along_axis(directions, strong[:, None], axis=1)
    directions = (directions * np.sign(strongest)).astype(np.float32)
    amounts = flat @ directions.T.astype(np.float64)
    return Basis(directions.reshape(-1, *deltas.shape[1:]), amounts.astype(np.float32))


def project(head: Head, skin: Basis, tongue: Basis) -> Projection:
    """Matrices from the 68 weights to skin and tongue coefficients and jaw points."""
    tongue_amounts = np.zeros((len(SHAPES), tongue.amounts.shape[1]), np.float32)
    tongue_amounts[len(ARKIT_NAMES) :] = tongue.amounts
    jaw = np.zeros((len(ARKIT_NAMES), head.neutral_jaw.size), np.float32)
    for name, delta in head.jaw_deltas.items():
        jaw[ARKIT_NAMES.index(name)] = delta.ravel()
    return Projection(skin.amounts, tongue_amounts, jaw)


def face_rigs(head: Head) -> tuple[Rig, Rig]:
    """The skin's 52 ARKit poses and the tongue's 16."""
    return part_rig(head, "skin", ARKIT_NAMES), part_rig(head, "tongue", TONGUE_NAMES)
