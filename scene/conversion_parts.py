# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with a skin whose shape keys a conversion moves: lashes, brows and tongue by their keys
for the same poses, the lower teeth by what the jaw's poses do.

Eyes stay: where they look is not told by a skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..core.arrays import AnyArray
from ..core.face.track import FaceTrack
from ..core.naming import CANONICAL_NAMES, match
from .characters import Character
from .jaw_poses import jaw_by_poses, jaw_poses


def parts_beside(
    character: Character | None, target: Any, source: Any, names: Sequence[str]
) -> Character | None:
    """The face without its skin ``target``, and without what belongs to the input; None where
    nothing is left that poses of these ``names`` move. Bones are left to whoever animates them."""
    if character is None:
        return None
    poses = set(match(CANONICAL_NAMES, names).pairs)
    taken = {target.data.shape_keys, getattr(source.data, "shape_keys", None)}
    meshes = tuple(
        mesh
        for mesh in character.meshes
        if mesh.key not in taken and mesh.key.is_editable and poses & set(mesh.found.pairs)
    )
    jaw = tuple(
        joint
        for joint in character.jaw
        if not joint.bone and joint.object.is_editable and joint.object not in (target, source)
    )
    if not meshes and not (jaw and poses & set(jaw_poses())):
        return None
    return replace(character, meshes=meshes, jaw=jaw, eyes=(None, None), head=None)


def track_of(names: Sequence[str], weights: AnyArray, fps: Fraction) -> FaceTrack:
    """Weights (T, P) of a mesh's own names as a face: by the names of poses, with a jaw."""
    found = match(CANONICAL_NAMES, names).pairs
    column = {name: place for place, name in enumerate(names)}
    places = [[column[own] for own in owns] for owns in found.values()]
    values = np.zeros((len(weights), len(places)), np.float32)
    for place, columns in enumerate(places):
        values[:, place] = np.asarray(weights)[:, columns].mean(axis=1)
    count = len(values)
    return FaceTrack(
        names=tuple(found),
        weights=values,
        jaw=jaw_by_poses(tuple(found), values),
        eyes=np.zeros((count, 2, 2), np.float32),
        fps=fps,
        duration_s=float(count / fps),
    )
