# SPDX-License-Identifier: GPL-3.0-or-later
"""The live chain's end: copies of the target and its parts that follow the fitted mesh, or the
driver's own teeth and eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.arrays import AnyArray
from ..core.retarget.pairs import Similarity, SurfacePoints
from ..core.retarget.rigid import sphere
from ..core.retarget.smoothing import BLUR_STEPS, blur_weight
from .follow_modifier import add_follow, follow_group, matrices_of
from .joints import rest_matrix, world
from .retarget_meshes import from_world, standing_mesh
from .transfer_meshes import new_result
from .wrap_modifier import WrapOptions, add_wrap
from .wrap_nodes import wrap_group

EYES = ("eye_right", "eye_left")


@dataclass(frozen=True)
class Held:
    """A mesh on the fitted mesh: the arrays of the job "bind"; ``pieces`` are vertices that follow
    a part of the driver instead, by the part's name."""

    object: Any
    arrays: Mapping[str, AnyArray]
    pieces: Mapping[str, AnyArray] = field(default_factory=dict)


def prepare_groups() -> None:
    """Make the node groups, which takes as long as a mesh does."""
    wrap_group()
    follow_group()


def hold(held: Held, fitted: Any, transfer_id: str, level: int, flat: bool) -> Any:
    """A copy of a mesh that follows the fitted mesh, smoothed by a level 0 to 10.

    Skin lies on the fitted mesh, so ``flat`` frames show no facets on it and are three times as
    fast; what stands off it, as hairs do, needs smooth ones.
    """
    copy = new_result(held.object, transfer_id)
    weights = np.array(held.arrays["weights"], np.float64)
    for vertices in held.pieces.values():
        weights[vertices] = 0.0
    options = WrapOptions(
        smooth_steps=BLUR_STEPS if level else 0, smooth_factor=blur_weight(level) if level else 0.0
    )
    feet = SurfacePoints.of(held.arrays["corners"], held.arrays["shares"])
    add_wrap(
        copy,
        fitted,
        feet,
        options,
        weights=weights,
        smooth=held.arrays["smooth"],
        flat=flat,
    )
    return copy


def follow(
    copy: Any,
    name: str,
    driver: tuple[Any, Any],
    over: Similarity,
    vertices: AnyArray | None = None,
) -> None:
    """Let a copy, or some vertices, follow a part of the driver rigidly.

    ``driver`` is the driver's head and its part, ``over`` leads from the driver's lower face to the
    target's, both in the world. An eye turns about its own centre.
    """
    head, part = driver
    if name in EYES:
        points = standing_mesh(copy).points
        points = points if vertices is None else points[vertices]
        centre = sphere(points)[0] if len(points) > 3 else points.mean(axis=0)
        over = Similarity(
            over.scale, over.turn, centre - over.scale * over.turn @ world(part)[:3, 3]
        )
    rest = from_world(head) @ _at_rest(part)
    lead = from_world(copy) @ over.matrix @ world(head)
    add_follow(copy, name, driver, matrices_of(rest, lead), vertices)


def _at_rest(part: Any) -> AnyArray:
    """Where a part stands when no take moves it."""
    basis = np.array(part.matrix_basis, np.float64)
    now: AnyArray = world(part)
    if not np.linalg.det(basis[:3, :3]):
        return now
    return now @ np.linalg.inv(basis) @ rest_matrix(part)
