# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of the driver on the fitted mesh.

The fit moves the driver's vertices v_i to x_i. Taken as a warp of the space around the face, its
derivative J_i (3 by 3) says what becomes of a small movement there, so a displacement e_i of the
driver becomes J_i e_i on the fitted mesh. J_i is that of the affine map which fits the warp best
around v_i (moving least squares, Schaefer et al. 2006), with Gaussian weights of width
REACH x the face's size (`extent`) and a pull towards the similarity s Q of the whole fit:

    J_i = s Q + C_i (S_i + RIDGE width^2 I)^-1,
    S_i, C_i = weighted covariances of v, and of x - (s Q v + t) with v, around v_i.

That uses all sheets of the face at once (skin, lips, the mouth's inside), so thin sheets and the
fit's noise do no harm; on the benchmarks it left half to two thirds of the error that screened
deformation transfer (Sumner and Popovic 2004) leaves. It is linear in e: transferred shapes add up
as the driver's do, and a corrective still corrects.

If the target's mouth stands open at rest, v is the driver opened as far (`opening`), since a closed
mouth is torn, not bent, into an open one.

Afterwards `contacts` sees to it that lids and lips which meet on the driver meet here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .contacts import Contacts
from .extent import face_size
from .mesh import Mesh
from .names import OPENINGS
from .opening import opening_of
from .pairs import similarity

REACH = 0.036  # width of the weights in sizes of the driver's face, 1 cm on a head of 24 cm
RIDGE = 0.01
_CELL = 0.5  # the fit is sampled in cells of this many widths
_CUT = 3.0  # weights end at this many widths
_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def transfer(
    driver: Mesh,
    moves: AnyArray,
    fitted: AnyArray,
    names: Sequence[str],
    watch: Watch | None = None,
) -> Doubles:
    """Displacements (E, V, 3) of the fitted mesh for those of the driver.

    `moves` (E, V, 3) at weight 1 are called `names`; `fitted` (V, 3) is where the fit brought the
    driver's vertices. Names matter for jawOpen, or "open mouth" without it, which tells how a mouth
    opens, and for its corrective mouthClose.
    """
    watch = watch or Watch()
    moves, fitted = np.asarray(moves, np.float64), np.asarray(fitted, np.float64)
    watch.tell(0.0, "Transfer the expressions")
    with watch.stage("jacobians", 0.1, "Transfer the expressions"):
        posed, local, size = derivatives(driver, moves, fitted, names)
    moved = np.empty_like(moves)
    for row, move in zip(moved, moves, strict=True):
        row[:] = np.einsum("vij,vj->vi", local, move)
    with watch.stage("contacts", 0.4, "Let lids and lips meet"):
        Contacts(posed, fitted, local, size).apply(moves, moved, names, watch)
    watch.tell(1.0, "Transfer the expressions")
    return moved


def derivatives(
    driver: Mesh, moves: AnyArray, fitted: AnyArray, names: Sequence[str]
) -> tuple[Mesh, Doubles, float]:
    """The driver as far open as the fitted mesh, the derivatives (V, 3, 3) of the fit at its
    vertices, and the size of its face. Arguments as those of `transfer`."""
    moves, fitted = np.asarray(moves, np.float64), np.asarray(fitted, np.float64)
    size = face_size(driver.points, moves)
    posed = _as_open(driver, moves, names, fitted)
    return posed, jacobians(posed.points, fitted, REACH * size), size


def _as_open(driver: Mesh, moves: Doubles, names: Sequence[str], fitted: Doubles) -> Mesh:
    """The driver with its mouth as far open as the fitted mesh's."""
    opening = next((moves[list(names).index(name)] for name in OPENINGS if name in names), None)
    if opening is None:
        return driver
    return driver.moved_to(driver.points + opening_of(driver, opening, fitted) * opening)


def jacobians(points: AnyArray, fitted: AnyArray, width: float) -> Doubles:
    """J (V, 3, 3) at the driver's points (V, 3) of the warp that brings them to `fitted` (V, 3)."""
    whole = similarity(points, fitted)
    own = np.asarray(points, np.float64) - points.mean(axis=0)
    samples, shifts, counts = _cells(own, fitted - whole(points), _CELL * width)
    near = _weights(own, samples, counts, width)
    products = np.stack([samples[:, a] * samples[:, b] for a, b in _PAIRS], axis=1)
    mixed = (shifts[:, :, None] * samples[:, None, :]).reshape(-1, 9)
    sums = near @ np.hstack([np.ones((len(samples), 1)), samples, shifts, products, mixed])
    sums /= sums[:, :1]
    here, shift = sums[:, 1:4], sums[:, 4:7]
    spread = np.empty((len(own), 3, 3))
    for column, (a, b) in enumerate(_PAIRS):
        spread[:, a, b] = spread[:, b, a] = sums[:, 7 + column] - here[:, a] * here[:, b]
    crossed = sums[:, 13:].reshape(-1, 3, 3) - shift[:, :, None] * here[:, None]
    spread += RIDGE * width**2 * np.eye(3)
    local: Doubles = whole.scale * whole.turn + crossed @ _inverse(spread)
    return local


def _inverse(matrices: Doubles) -> Doubles:
    """Inverses of symmetric positive definite matrices (V, 3, 3), by their cofactors: a library's
    solver is slow for many small ones where other programs keep the processor busy."""
    a, b, c = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    cofactors = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    return cofactors / np.einsum("vi,vi->v", a, cofactors[:, 0])[:, None, None]


def _cells(points: Doubles, values: Doubles, size: float) -> tuple[Doubles, Doubles, Doubles]:
    """Means of points and values (V, 3) over cells of a grid, and how many each holds."""
    from scipy import sparse

    cells = np.floor((points - points.min(axis=0)) / max(size, 1e-300)).astype(np.int64)
    _, which, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    mean = sparse.csr_matrix(
        (1.0 / counts[which], (which, np.arange(len(points)))), shape=(len(counts), len(points))
    )
    return mean @ points, mean @ values, counts.astype(np.float64)


def _weights(points: Doubles, samples: Doubles, counts: Doubles, width: float) -> Any:
    """Sparse (V, samples): how much each sample counts at each point."""
    from scipy.spatial import cKDTree

    found = cKDTree(points).sparse_distance_matrix(
        cKDTree(samples), _CUT * width, output_type="coo_matrix"
    )
    near = found.tocsr()
    near.data = np.exp(-(near.data**2) / (2 * width**2)) * counts[near.indices]
    return near
