# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's whole geometry on the fitted mesh, frame by frame, not only its expressions.

The transfer brings a displacement e of the driver over by its derivatives, J e, and corrects each
expression p by c_p, so that lids and lips which meet on the driver meet here (`contacts`). A frame
of the driver is any displacement d, of which the solved weights w_p tell how much of each
expression it holds. So it becomes

    J d + sum_p w_p c_p,    c_p = (expression p on the fitted mesh) - J e_p,

which is the fitted mesh's own shape keys wherever d is those of the driver, and brings what the
weights do not tell (d minus the sum of w_p e_p) over by the derivatives alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import AnyArray, Floats
from ..face.geometry import Mover
from ..face.track import FaceTrack
from ..naming import match, retarget
from .mesh import Mesh
from .transfer import derivatives

_NOTHING = 1e-7  # of the face's size: a correction that nobody sees


def carrying_mover(
    lead: AnyArray,
    driver: Mesh,
    names: Sequence[str],
    moves: AnyArray,
    fitted: AnyArray,
    fitted_moves: AnyArray,
    to_fitted: AnyArray,
    rest: AnyArray,
    face: FaceTrack,
) -> Mover:
    """The mover of a fitted mesh whose driver is moved by a network's geometry.

    `lead` (3, 3) leads from the model's space to the world's, as the driver stands. `driver`, the
    displacements `moves` (P, V, 3) of its shape keys `names`, `fitted` (V, 3) and the displacements
    `fitted_moves` (P, V, 3) of the fitted mesh's shape keys of these names are in the world's
    space; `to_fitted` (3, 3) leads from there to the fitted mesh's own, in which `rest` (V, 3) is.
    `face` has the weights of the frames.
    Raises UserError.
    """
    moves, back = np.asarray(moves, np.float64), np.asarray(to_fitted, np.float64)
    _posed, local, size = derivatives(driver, moves, fitted, names)
    whole = back @ local @ np.asarray(lead, np.float64)
    own, shares = retarget(match(face.names, tuple(names)), face.names, face.weights)
    rows = [list(names).index(name) for name in own]
    corrections = np.empty((len(rows), *driver.points.shape), np.float32)
    for place, row in enumerate(rows):
        missing = np.asarray(fitted_moves[row]) - np.einsum("vij,vj->vi", local, moves[row])
        corrections[place] = missing @ back.T
    scale = size * float(np.abs(back).max())
    kept = np.abs(corrections).max(axis=(1, 2), initial=0.0) > _NOTHING * scale
    return Mover(
        np.asarray(rest, np.float32),
        whole.astype(np.float32),
        corrections[kept],
        _shares(shares, kept),
    )


def _shares(shares: Floats, kept: AnyArray) -> Floats:
    return np.ascontiguousarray(shares[:, kept], np.float32)
