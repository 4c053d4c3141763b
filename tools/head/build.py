# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wheel to the arrays of the asset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from . import asset, basemesh, denture, eyes, hair, landmarks, names, rigid, shapes, skin, tongue
from . import colours as paint
from .lips import Lips, close_neutral
from .part import Part
from .topology import Floats, Limit
from .wheel import Members

FORMAT = 1


def build(wheel_path: Path) -> asset.Arrays:
    """All arrays of the asset; see `core/head.py` for what each means."""
    with Members(wheel_path) as members:
        base = basemesh.read(members, skin.recipe(), names.ARKIT)
    face = skin.cut(base)
    limit = Limit.of(face.quads, face.around)
    face = replace(face, points=face.points + close_neutral(Lips.of(face, limit)))
    face_shapes = shapes.build(base, face, Lips.of(face, limit))
    centres = eyes.centres(base)

    middle = face.loops["edge"][[0, 19]]
    lip_line = float(face.points[middle, 1].mean())
    wall = float(face.points[face.local(np.array([571]))[0], 2])
    lower_arch = denture.lower(lip_line, wall)
    marks = denture.markers(lower_arch)
    jaw = rigid.jaw_moves(base, marks.mean(axis=0))

    parts = [
        Part.of(
            "skin",
            face.points,
            face.quads,
            skin_materials(face),
            face_shapes,
            paint.skin(face, centres),
        ),
        denture.build("upper_denture", denture.upper(lip_line, wall)),
        denture.build("lower_denture", lower_arch),
        tongue.build(base),
        eyes.build("eye_right", centres[0]),
        eyes.build("eye_left", centres[1]),
        hair.lashes(face, limit, face_shapes, centres[1]),
        hair.brows(face, limit, face_shapes, centres[1]),
    ]
    arrays: asset.Arrays = {"format": np.array(FORMAT, dtype=np.int32)}
    for part in parts:
        arrays.update(part_arrays(part))
    arrays["eye_centres"] = asset.rounded(centres)
    arrays["neutral_jaw"] = asset.rounded(marks)
    arrays["jaw_pivot"] = asset.rounded(marks.mean(axis=0))
    for name, move in jaw.items():
        arrays[f"jaw_delta/{name}"] = asset.rounded(move.apply(marks) - marks)
        motion = np.stack([move.rotation, move.shift])
        arrays[f"jaw_motion/{name}"] = asset.rounded(motion)
    arrays["lip_open_pose_delta"] = asset.rounded(
        _mix(face_shapes, "mouthLowerDown", "mouthUpperUp")
    )
    arrays["eye_close_pose_delta"] = asset.rounded(_mix(face_shapes, "eyeBlink"))
    for name, vertices in landmarks.find(face).items():
        arrays[f"landmark/{name}"] = vertices.astype(np.int32)
    return arrays


def skin_materials(face: skin.Skin) -> list[str]:
    """A material name per face of the skin."""
    hairy = np.max(paint.scalp(face.points)[face.quads], axis=1) > 0
    inside = np.any(face.mouth[face.quads], axis=1)
    return [
        "mouth" if wet else "scalp" if hair else "skin"
        for wet, hair in zip(inside.tolist(), hairy.tolist(), strict=True)
    ]


def _mix(face_shapes: dict[str, Floats], *stems: str) -> Floats:
    """The sum of both sides of the shapes named by their stems."""
    return np.sum([face_shapes[s + side] for s in stems for side in ("Left", "Right")], axis=0)


def part_arrays(part: Part) -> asset.Arrays:
    key = f"part/{part.name}"
    count = len(part.points)
    arrays: asset.Arrays = {
        f"{key}/vertices": asset.rounded(part.points),
        f"{key}/faces": part.faces.astype(np.int32),
        f"{key}/materials": part.materials.astype(np.int32),
        f"{key}/shape_names": np.array(list(part.shapes), dtype=np.str_),
        f"{key}/shapes": asset.rounded(
            np.array(list(part.shapes.values())).reshape(len(part.shapes), count, 3)
        ),
    }
    if part.colours is not None:
        arrays[f"{key}/colours"] = asset.rounded(part.colours)
    return arrays
