# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model's space to Blender's: the only place where one becomes the other.

The model's space has Y up, Z to the front and its own unit (a centimetre for our model).
A character's local space has Z up, -Y to the front, in metres.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MODEL_UNIT_M = 0.01

# (x, y, z) -> (x, -z, y): a quarter turn about X
AXES: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

# The built-in head's jaw in the model's space, cm: the middle of its markers, and the hinge that
# jawOpen turns about as seen from there. Other models' markers lie on the same teeth.
MARKERS_CM: Array = np.array([0.0, -2.97757, 7.97446])
HINGE_CM: Array = np.array([0.0, 1.86239, -5.69972])
# Its lower denture in the character's space: how wide, and the hinge as seen from its middle
DENTURE_WIDTH_M = 0.0631398
HINGE_FROM_DENTURE_M: Array = np.array([0.0, 0.0483346, 0.0273157])


def character_matrix(unit_m: float = MODEL_UNIT_M) -> Array:
    """(4, 4) float64: a point of the model's space to the character's local space."""
    matrix = np.eye(4)
    matrix[:3, :3] = AXES * unit_m
    return matrix


def jaw_matrices(jaw: Array, unit_m: float = MODEL_UNIT_M) -> Array:
    """Rigid motions (T, 4, 4) of the model's space as motions of the local space, float64."""
    to_local = character_matrix(unit_m)
    return to_local @ np.asarray(jaw, np.float64) @ np.linalg.inv(to_local)


def as_built_in(jaw: Array, markers: tuple[float, float, float] | None) -> Array:
    """Rigid motions (T, 4, 4) of a model whose markers rest elsewhere, for the built-in head."""
    if markers is None:
        return jaw
    there, back = np.eye(4), np.eye(4)
    there[:3, 3] = np.array(markers) - MARKERS_CM
    back[:3, 3] = -there[:3, 3]
    return back @ np.asarray(jaw, np.float64) @ there


def jaw_about_hinge(
    jaw: Array, markers: tuple[float, float, float] | None, unit_m: float = MODEL_UNIT_M
) -> tuple[Array, Array]:
    """Rigid motions (T, 4, 4) as turns (T, 4, 4) about the jaw's hinge in the character's space,
    and the hinge's own shifts (T, 3) in metres."""
    jaw = np.asarray(jaw, np.float64)
    hinge = (MARKERS_CM if markers is None else np.array(markers)) + HINGE_CM
    turns = np.tile(np.eye(4), (len(jaw), 1, 1))
    turns[:, :3, :3] = AXES @ jaw[:, :3, :3] @ AXES.T
    shifts = jaw[:, :3, :3] @ hinge + jaw[:, :3, 3] - hinge
    return turns, shifts @ AXES.T * unit_m


def eye_matrices(angles: Array) -> Array:
    """Pitch and yaw (T, 2) in degrees as turns (T, 4, 4) of an eye about its own centre."""
    pitch, yaw = np.radians(np.asarray(angles, np.float64)).T
    turn = np.zeros((len(pitch), 4, 4))
    cos_x, sin_x, cos_y, sin_y = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    turn[:, 3, 3] = 1.0
    # First about X, then about Y
    turn[:, 0, :3] = np.stack([cos_y, sin_y * sin_x, sin_y * cos_x], axis=1)
    turn[:, 1, :3] = np.stack([0 * cos_x, cos_x, -sin_x], axis=1)
    turn[:, 2, :3] = np.stack([-sin_y, cos_y * sin_x, cos_y * cos_x], axis=1)
    turn[:, :3, :3] = AXES @ turn[:, :3, :3] @ AXES.T
    return turn


def head_matrices(angles: Array) -> Array:
    """Pitch, yaw and roll (T, 3) in degrees as turns (T, 4, 4) of a head; the roll comes first."""
    roll = np.radians(np.asarray(angles, np.float64)[:, 2])
    tilt = np.tile(np.eye(4), (len(roll), 1, 1))
    tilt[:, 0, 0] = tilt[:, 1, 1] = np.cos(roll)
    tilt[:, 1, 0] = np.sin(roll)
    tilt[:, 0, 1] = -tilt[:, 1, 0]
    tilt[:, :3, :3] = AXES @ tilt[:, :3, :3] @ AXES.T
    return eye_matrices(angles[:, :2]) @ tilt


def bone_axes(bone: Array, up_y: bool = False) -> Array:
    """A bone's own axes (3, 3) as columns in the character's space; ``bone`` (4, 4) is its rest.

    ``up_y``: the armature's space is laid out as the model's, not as Blender's.
    """
    axes = turn_of(bone)
    return AXES @ axes if up_y else axes


def within(turns: Array, axes: Array) -> Array:
    """Turns (T, 4, 4) as seen along other axes, the columns of (3, 3)."""
    result = np.array(turns)
    result[:, :3, :3] = axes.T @ turns[:, :3, :3] @ axes
    return result


def turned_within(turns: Array, rest: Array) -> Array:
    """What an object's matrix (4, 4) becomes under turns (T, 4, 4) about its own axes, unscaled."""
    held = np.eye(4)
    held[:3, :3] = turn_of(rest)
    return held @ turns


def moved(motion: Array, rest: Array) -> Array:
    """What an object's matrix (4, 4) becomes under motions (T, 4, 4) of the space it lies in."""
    return motion @ np.asarray(rest, np.float64)


def turned(turns: Array, rest: Array) -> Array:
    """What an object's matrix (4, 4) becomes under turns (T, 4, 4) about its own origin."""
    rest = np.asarray(rest, np.float64)
    place, pivot = np.eye(4), np.array(rest)
    place[:3, 3] = rest[:3, 3]
    pivot[:3, 3] = 0.0
    return place @ turns @ pivot


def euler(matrices: Array, order: str = "XYZ") -> Array:
    """Angles (T, 3) [X, Y, Z] in radians of one of Blender's orders, without jumps.

    The matrices may hold a scale.
    """
    axes = ["XYZ".index(axis) for axis in order]
    # Other orders are XYZ with axes renamed; where that mirrors space, angles change their sign.
    sign = 1.0 if order in ("XYZ", "YZX", "ZXY") else -1.0
    turn = _turn(matrices)[:, axes][:, :, axes]
    flat = np.hypot(turn[:, 0, 0], turn[:, 1, 0])
    angles = np.stack(
        [
            np.arctan2(turn[:, 2, 1], turn[:, 2, 2]),
            np.arctan2(-turn[:, 2, 0], flat),
            np.arctan2(turn[:, 1, 0], turn[:, 0, 0]),
        ],
        axis=1,
    )
    return np.unwrap(sign * angles, axis=0)[:, np.argsort(axes)]


def quaternions(matrices: Array) -> Array:
    """Quaternions (T, 4), w first, each on its predecessor's side."""
    turn = _turn(matrices)
    # The eigenvector form: row k of this symmetric matrix is 4 * q_k * q
    diagonal = np.diagonal(turn, axis1=1, axis2=2)
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    outer = np.empty((len(turn), 4, 4))
    for row in range(4):
        outer[:, row, row] = 1.0 + diagonal @ signs[row]
    for first, second, a, b, sign in (
        (0, 1, (2, 1), (1, 2), -1), (0, 2, (0, 2), (2, 0), -1), (0, 3, (1, 0), (0, 1), -1),
        (1, 2, (1, 0), (0, 1), 1), (1, 3, (0, 2), (2, 0), 1), (2, 3, (2, 1), (1, 2), 1),
    ):  # fmt: skip
        value = turn[:, a[0], a[1]] + sign * turn[:, b[0], b[1]]
        outer[:, first, second] = outer[:, second, first] = value
    best = np.argmax(np.diagonal(outer, axis1=1, axis2=2), axis=1)
    chosen = outer[np.arange(len(turn)), best]
    unit = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
    flips = np.where(np.sum(unit[1:] * unit[:-1], axis=1) < 0, -1.0, 1.0)
    unit[1:] *= np.cumprod(flips)[:, None]
    return unit if len(unit) == 0 or unit[0, 0] >= 0 else -unit


def turn_of(matrix: Array) -> Array:
    """The turn (3, 3) in a matrix (4, 4) that may hold a scale."""
    return _turn(np.asarray(matrix, np.float64)[None])[0]


def _turn(matrices: Array) -> Array:
    part = matrices[:, :3, :3]
    return part / np.linalg.norm(part, axis=1, keepdims=True)
