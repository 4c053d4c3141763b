# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with meshes and pairs, said in one sentence before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import AnyArray, Doubles
from ..errors import UserError
from .mesh import Mesh
from .pairs import FEW, FEWEST, Similarity, SurfacePoints, similarity

LEAST_SPREAD = 0.065  # of a head's diagonal: pairs nearer together than this say nothing
_FLAT = 0.02  # the second and third extent of the pairs, of the first
_FAR, _VERY_FAR = 0.3, 0.6  # residual of a pair, of its way out: to be told, to be refused
_STRETCHED = 0.6  # of the median residual, what is left when the whole face may be stretched
_EXCHANGED = 0.4  # of two residuals, what is left when two pairs are exchanged that were swapped


def check_mesh(mesh: Mesh, what: str) -> None:
    """Raises UserError for a mesh that no fitting can use; ``what`` is "driver" or "target"."""
    if not len(mesh.triangles) or len(mesh.points) < 4:
        raise UserError(
            f"The {what} mesh has no faces.", "Choose a mesh of a face, with faces on its surface."
        )
    check_finite(mesh.points, what)
    if not mesh.diagonal > 0:
        raise UserError(
            f"All vertices of the {what} mesh are in one place.", "Scale it up, or choose another."
        )


def check_finite(points: AnyArray, what: str) -> None:
    """Raises UserError for points (V, 3) that are nowhere; ``what`` is whose mesh they are."""
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise UserError(
            f"Vertex {bad[0]} of the {what} mesh has no finite position ({len(bad)} in all).",
            "Delete such vertices, or remove the modifier or shape key that makes them.",
        )


def check_opened(driver: Mesh, opened: AnyArray) -> None:
    """Raises UserError for OpenMouth points that are not the driver's."""
    if np.shape(opened) != driver.points.shape or not np.isfinite(opened).all():
        raise UserError(
            f"The OpenMouth mesh has {len(opened)} vertices, the driver {len(driver.points)}."
            if len(opened) != len(driver.points)
            else "The OpenMouth mesh has vertices without a finite position.",
            "Choose the driver's own mesh with its mouth open.",
        )


def check_pairs(
    driver: Mesh, here: SurfacePoints, target: Mesh, there: SurfacePoints, size: float
) -> None:
    """Raises UserError for pairs from which nothing can be fitted; ``size`` is the driver's."""
    if len(here) != len(there):
        raise UserError(
            f"{len(here)} points of the driver face {len(there)} of the target.",
            "Each pair needs a point on both.",
        )
    if len(here) < FEWEST:
        raise UserError(
            f"There are {len(here)} pairs of points, and fitting needs at least {FEWEST}.",
            "Add pairs at the eyes, the nose, the lips and the chin.",
        )
    for mesh, points, what in ((driver, here, "driver"), (target, there, "target")):
        if points.corners.min() < 0 or points.corners.max() >= len(mesh.points):
            raise UserError(
                f"The pairs belong to another {what} mesh than this one.",
                f"Choose the {what} that they were made on, or place them anew.",
            )
        _check_spread(mesh, points.on(mesh.points), what, size if mesh is driver else 0.0)


def _check_spread(mesh: Mesh, points: Doubles, what: str, size: float) -> None:
    away = points - points.mean(axis=0)
    extents = np.linalg.svd(away, compute_uv=False)
    spread = float(np.sqrt((away**2).sum(axis=1).mean()))
    if spread < max(LEAST_SPREAD * size, 1e-4 * mesh.diagonal):
        raise UserError(
            f"All pairs lie close together on the {what} mesh.",
            "Spread them over the face, from the chin to the brows and to both sides.",
        )
    if extents[1] < _FLAT * extents[0] or extents[2] < _FLAT * extents[0]:
        shape = "one line" if extents[1] < _FLAT * extents[0] else "one plane"
        raise UserError(
            f"All pairs lie on {shape} of the {what} mesh.",
            "Add pairs on both sides of the face, and on the nose, the chin and the jaw.",
        )


def suspicious(here: Doubles, there: Doubles, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Notices about pairs that are few or stand out, for points (K, 3) of driver and target.

    Raises UserError for pairs that are swapped or cannot be meant. They are told by their ``names``
    (K), without these by numbers from 1 in the order of the list.
    """
    told = [f"'{name}'" for name in names] or [str(each + 1) for each in range(len(here))]
    move, errors = _robust(here, there)
    away = np.linalg.norm(move(here) - move(here).mean(axis=0), axis=1)
    extent = float(away.mean())
    _check_sides(here, there, errors)
    _check_swapped(here, there, move, errors, extent, told)
    # What lies far out, such as the crown, differs more between heads that are both well picked.
    errors = _unless_stretched(here, there, errors) / np.maximum(away, extent)
    wrong = np.flatnonzero(errors > _VERY_FAR)
    if len(wrong):
        raise UserError(
            f"{_pairs(wrong, told)} not where the other pairs put {_them(wrong)}.",
            "Move its point on the target, or delete the pair."
            if len(wrong) == 1
            else "Move their points on the target, or delete these pairs.",
        )
    far = np.flatnonzero(errors > _FAR)
    notices = []
    if len(here) < FEW:
        notices.append(f"There are only {len(here)} pairs; with {FEW} or more the fit is better.")
    if len(far):
        notices.append(f"{_pairs(far, told)} far from where the other pairs put {_them(far)}.")
    return tuple(notices)


def _unless_stretched(here: Doubles, there: Doubles, errors: Doubles) -> Doubles:
    """The distances (K,) that an affine map leaves, where the whole target is a stretched face: if
    it brings most pairs together, of which a similarity leaves ``errors``."""
    weights, flat = np.ones(len(here)), np.hstack([here, np.ones((len(here), 1))])
    left = errors
    for _ in range(30):
        root = np.sqrt(weights)[:, None]
        factors = np.linalg.lstsq(root * flat, root * there, rcond=None)[0]
        left = np.linalg.norm(flat @ factors - there, axis=1)
        weights = _doubt(left)
    explains = np.median(left) < _STRETCHED * np.median(errors)
    return np.minimum(left, errors) if explains and len(here) >= FEW else errors


def _robust(here: Doubles, there: Doubles) -> tuple[Similarity, Doubles]:
    """A similarity that a few wrong pairs do not bend, and the distances (K,) that it leaves."""
    weights = np.ones(len(here))
    for _ in range(30):
        move = similarity(here, there, weights)
        errors = np.linalg.norm(move(here) - there, axis=1)
        weights = _doubt(errors)
    return move, np.asarray(errors)


def _doubt(errors: Doubles) -> Doubles:
    """Weights (K,) that leave pairs out the more, the farther they are off beside the usual one."""
    usual = max(2 * float(np.median(errors)), 1e-300)
    weights: Doubles = 1 / (1 + (errors / usual) ** 2) ** 2
    return weights


def _check_sides(here: Doubles, there: Doubles, errors: Doubles) -> None:
    """Left and right of the whole face exchanged: only a mirror brings the pairs together."""
    _, mirrored = _robust(here * [-1, 1, 1], there)
    if np.median(mirrored) < 0.5 * np.median(errors) and mirrored.sum() < 0.5 * errors.sum():
        raise UserError(
            "Left and right are exchanged in all pairs.",
            "The driver's left eye belongs to the target's own left eye; place the pairs anew.",
        )


def _check_swapped(
    here: Doubles,
    there: Doubles,
    move: Similarity,
    errors: Doubles,
    extent: float,
    told: Sequence[str],
) -> None:
    bad = np.flatnonzero(errors > 0.5 * _FAR * extent)
    placed = move(here)
    swapped = []
    for place, one in enumerate(bad):
        for other in bad[place + 1 :]:
            after = np.linalg.norm(placed[one] - there[other])
            after += np.linalg.norm(placed[other] - there[one])
            if after < _EXCHANGED * (errors[one] + errors[other]):
                swapped.append(f"{told[one]} and {told[other]}")
    if swapped:
        raise UserError(
            f"The points of pairs {', '.join(swapped)} look exchanged.",
            "Exchange them on the target; left means the target's own left.",
        )


def _pairs(which: AnyArray, told: Sequence[str]) -> str:
    named = [told[each] for each in which]
    if len(named) == 1:
        return f"Pair {named[0]} is"
    return f"Pairs {', '.join(named[:-1])} and {named[-1]} are"


def _them(which: AnyArray) -> str:
    return "it" if len(which) == 1 else "them"
