# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head: its parts, shapes and jaw, loaded from `assets/head.npz`.

Space of the asset: centimetres, Y up, Z front, the character's left at +x, origin at the base of
the skull (head joint). `tools/head` builds the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import UserError
from .head_parts import MATERIALS, Floats, HeadPart, Ints, floats, ints, part_from, read_arrays

FORMAT = 1
PART_NAMES = (
    *("skin", "upper_denture", "lower_denture", "tongue"),
    *("eye_left", "eye_right", "lashes", "brows"),
)
UPPER_INCISORS_CM = 0.9  # half the width of the four upper teeth that the lower lip meets
JAW_SHAPES = ("jawOpen", "jawForward", "jawLeft", "jawRight")
OPEN_MOUTH_AMOUNT = 0.8
_BLOCK_BYTES = 64 << 20
_FIX = "Build it with `python tools/head`."


@dataclass(frozen=True)
class Head:
    """The whole head.

    `eye_centres` (2, 3) [right, left]. `neutral_jaw` (5, 3) are markers on the lower denture and
    `jaw_deltas` their displacements (5, 3) per jaw shape at weight 1. `jaw_motions` (2, 3) per jaw
    shape: rotation vector in radians about `jaw_pivot`, then shift in cm, both linear in weight.
    `lip_open_pose_delta` and `eye_close_pose_delta` (V, 3) belong to the skin.
    """

    parts: Mapping[str, HeadPart]
    eye_centres: Floats
    neutral_jaw: Floats
    jaw_pivot: Floats
    jaw_deltas: Mapping[str, Floats]
    jaw_motions: Mapping[str, Floats]
    lip_open_pose_delta: Floats
    eye_close_pose_delta: Floats
    landmarks: Mapping[str, Ints]

    @property
    def skin(self) -> HeadPart:
        """The part whose shapes are the 52 ARKit shapes."""
        return self.parts["skin"]


def load_head(path: str | Path) -> Head:
    """Read and check the asset; `UserError` when it is missing or is not a head."""
    path = Path(path)
    arrays = read_arrays(path, "The built-in head", _FIX)
    try:
        return _head_from(arrays)
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is not a head of this version: {error}.", _FIX) from error


def _head_from(arrays: Mapping[str, NDArray[np.generic]]) -> Head:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {int(arrays['format'])}, expected {FORMAT}")
    parts = {name: part_from(name, arrays) for name in PART_NAMES}
    count = len(parts["skin"].vertices)
    deltas = {name: floats(arrays, f"jaw_delta/{name}", (5, 3)) for name in JAW_SHAPES}
    motions = {name: floats(arrays, f"jaw_motion/{name}", (2, 3)) for name in JAW_SHAPES}
    landmarks = {
        key.removeprefix("landmark/"): ints(arrays, key, count)
        for key in arrays
        if key.startswith("landmark/")
    }
    return Head(
        parts,
        eye_centres=floats(arrays, "eye_centres", (2, 3)),
        neutral_jaw=floats(arrays, "neutral_jaw", (5, 3)),
        jaw_pivot=floats(arrays, "jaw_pivot", (3,)),
        jaw_deltas=deltas,
        jaw_motions=motions,
        lip_open_pose_delta=floats(arrays, "lip_open_pose_delta", (count, 3)),
        eye_close_pose_delta=floats(arrays, "eye_close_pose_delta", (count, 3)),
        landmarks=landmarks,
    )


def pose_skin(head: Head, weights: NDArray[np.floating]) -> Floats:
    """Skin vertices (T, V, 3) in cm for weights (T, 52) in the order of the skin's shapes."""
    skin = head.skin
    weights = np.atleast_2d(np.asarray(weights, dtype=np.float32))
    if weights.shape[1] != len(skin.shapes):
        raise ValueError(f"{weights.shape[1]} weights for {len(skin.shapes)} skin shapes")
    count = len(skin.vertices)
    flat = skin.shapes.reshape(len(skin.shapes), -1)
    result = np.empty((len(weights), count, 3), dtype=np.float32)
    block = max(1, _BLOCK_BYTES // (count * 12))
    for start in range(0, len(weights), block):
        rows = slice(start, start + block)
        np.matmul(weights[rows], flat, out=result[rows].reshape(-1, count * 3))
        result[rows] += skin.vertices
    return result


def lip_gap(head: Head, skin: NDArray[np.floating]) -> Floats:
    """Opening between the inner lips over the mouth's width at rest, (T, V, 3) -> (T,).

    Five columns across the middle of the mouth each hold the vertices of the upper lip's red and
    those of the lower lip's. A column's opening is the height from the lower lip's highest vertex
    to the upper lip's lowest, and 0 where the lips touch or overlap. The result is the mean over
    the columns, divided by the distance between the mouth's corners of the neutral face.
    """
    skin = np.asarray(skin, dtype=np.float32)
    upper = skin[:, head.landmarks["inner_upper_lip"], 1].min(axis=2)
    lower = skin[:, head.landmarks["inner_lower_lip"], 1].max(axis=2)
    return np.maximum(upper - lower, 0).mean(axis=1) / mouth_width(head)


def lip_to_teeth(head: Head, skin: NDArray[np.floating]) -> Floats:
    """Distance of the lower lip to the upper incisors over the mouth's width, (T, V, 3) -> (T,).

    The lip is the same columns of vertices as in `lip_gap`, as far as they lie before the
    incisors. A column's distance is the smallest between its vertices and the teeth's; the result
    is the mean over the columns, divided by the mouth's width. The upper teeth do not move.
    """
    skin = np.asarray(skin, dtype=np.float32)
    columns = head.landmarks["inner_lower_lip"]
    middle = np.abs(head.skin.vertices[columns, 0]).max(axis=1) < UPPER_INCISORS_CM
    lip = skin[:, columns[middle]]
    nearest = np.full(lip.shape[:2], np.inf, dtype=np.float32)
    for tooth in _upper_incisors(head):
        distances = np.linalg.norm(lip - tooth, axis=3).min(axis=2)
        np.minimum(nearest, distances, out=nearest)
    return np.asarray(nearest.mean(axis=1) / mouth_width(head), dtype=np.float32)


def _upper_incisors(head: Head) -> Floats:
    """Vertices (N, 3) of the front half of the upper incisors."""
    denture = head.parts["upper_denture"]
    used = np.unique(denture.faces[denture.materials == MATERIALS.index("teeth")])
    points = denture.vertices[used[used >= 0]]
    points = points[np.abs(points[:, 0]) < UPPER_INCISORS_CM]
    return points[points[:, 2] > np.median(points[:, 2])]


def lips_only(head: Head) -> Head:
    """The head with nothing but the landmarks' vertices on its skin.

    What measures the lips says the same of it, for a small part of the work of posing the whole
    skin. It has no faces, so it cannot be drawn.
    """
    kept, places = np.unique(
        np.concatenate([each.ravel() for each in head.landmarks.values()]), return_inverse=True
    )
    ends = np.cumsum([each.size for each in head.landmarks.values()])[:-1]
    numbers = [each.astype(np.int32) for each in np.split(places.ravel(), ends)]
    landmarks = {
        name: own.reshape(whole.shape)
        for (name, whole), own in zip(head.landmarks.items(), numbers, strict=True)
    }
    skin = replace(
        head.skin,
        vertices=head.skin.vertices[kept],
        shapes=np.ascontiguousarray(head.skin.shapes[:, kept]),
        faces=np.empty((0, 4), np.int32),
        materials=np.empty(0, np.int32),
        colours=None if head.skin.colours is None else head.skin.colours[kept],
    )
    return replace(
        head,
        parts={**head.parts, "skin": skin},
        landmarks=landmarks,
        lip_open_pose_delta=head.lip_open_pose_delta[kept],
        eye_close_pose_delta=head.eye_close_pose_delta[kept],
    )


def mouth_width(head: Head) -> float:
    """Distance in cm between the mouth's corners of the neutral face."""
    corners = [int(head.landmarks[f"mouth_corner_{side}"][0]) for side in ("left", "right")]
    left, right = head.skin.vertices[corners]
    return float(np.linalg.norm(left - right))
