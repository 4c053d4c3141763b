# SPDX-License-Identifier: GPL-3.0-or-later
"""A prepared face whose motion gets more shapes while it goes on (a live diffusion model).

Preparing anew takes a second with 500 shapes of a real size, twice as long as the half second of
voice that brought a few more. Only what the new shapes add is worked out here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Doubles
from ..motion import MotionShapes
from ..parameters import Settings
from ..solve.projection import region_products, tongue_products
from .stages import FaceBases, PreparedFace, PreparedRig

_EXTRA = 2  # controls of the skin that are no shapes, lids and lips; they stand last


def with_more_shapes(prepared: PreparedFace, added: MotionShapes, bases: FaceBases) -> PreparedFace:
    """The face for a motion that has the shapes ``added`` after those that it had.

    As ``prepare_face`` with all of them, to rounding; states go on as they are.
    """
    skin, tongue = prepared.skin, prepared.tongue
    if skin is not None and bases.skin is not None:
        model, settings = prepared.model, prepared.settings
        products = region_products(model.data, added.skin, bases.skin, settings)
        skin = _with(skin, _skin_matrix(skin, products, settings))
    if tongue is not None and bases.tongue is not None:
        products = tongue_products(added.tongue, bases.tongue)
        tongue = _with(tongue, np.concatenate([tongue.projection.matrix, products]))
    return replace(prepared, skin=skin, tongue=tongue)


def _skin_matrix(skin: PreparedRig, products: Doubles, settings: Settings) -> Doubles:
    """The matrix (2 (S + n + 2), P), from products (2, n + 2, P) of the new shapes."""
    poses = products.shape[2]
    known = skin.projection.matrix.reshape(2, -1, poses)
    strengths = np.array([settings.upper_face_strength, settings.lower_face_strength])
    new = products[:, :-_EXTRA] * strengths[:, None, None]
    matrix: Doubles = np.concatenate([known[:, :-_EXTRA], new, known[:, -_EXTRA:]], axis=1)
    return matrix.reshape(-1, poses)


def _with(rig: PreparedRig, matrix: Doubles) -> PreparedRig:
    return replace(rig, projection=replace(rig.projection, matrix=matrix))
