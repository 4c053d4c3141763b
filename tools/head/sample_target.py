# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample target: another character in another topology, without shapes, to practise on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from . import asset, basemesh, denture, eyes, hair, haircut, landmarks, skin, soma, tongue
from . import colours as paint
from .build import part_arrays
from .lips import Lips, close_neutral
from .part import MATERIALS, Part
from .topology import Floats, Limit, Neighbours, smooth
from .wheel import Members

FORMAT = 1

# A girl of about twelve as an animated film would draw her.
_AGES = {"young": 0.62, "child": 0.38}
_ORIGINS = {"caucasian": 0.3, "african": 0.35, "asian": 0.35}
_DETAILS = {
    "head/head-round": 0.25,
    "head/head-invertedtriangular": 0.35,
    "forehead/forehead-nubian-incr": 0.2,
    "nose/nose-scale-vert-decr": 0.35,
    "nose/nose-volume-decr": 0.3,
    "nose/nose-point-up": 0.5,
    "nose/nose-curve-concave": 0.4,
    "nose/nose-width3-decr": 0.3,
    "mouth/mouth-scale-horiz-decr": 0.15,
    "mouth/mouth-angles-up": 0.35,
    "mouth/mouth-upperlip-height-incr": 0.45,
    "mouth/mouth-lowerlip-height-incr": 0.25,
    "mouth/mouth-cupidsbow-incr": 0.25,
    "chin/chin-width-decr": 0.35,
    "chin/chin-prominent-incr": 0.15,
    "neck/neck-scale-horiz-decr": 0.3,
}
_SIDED_DETAILS = {
    "eyes/{}-eye-scale-incr": 0.9,
    "eyes/{}-eye-height2-incr": 0.6,
    "eyes/{}-eye-corner2-up": 0.3,
    "ears/{}-ear-wing-incr": 0.25,
    "ears/{}-ear-shape-round": 0.5,
}
# The eyes grow by this share about their centres, fading out over this many cm.
_EYE_GROWTH, _EYE_REACH_CM = 0.24, 2.7
# The top of the skull goes down and forward by so much, fading out down to the brows.
_SKULL_CM, _BROW_CM = np.array([0.0, -0.55, 0.9]), 5.5
# An eyeball of the head's radius belongs to the base mesh's ball of this radius.
_BALL_CM = 1.548
# Teeth beside the head's own.
_MOUTH_SCALE = 0.79
_BROWS = np.array([1.0, 0.98, 0.72])
# Linear RGB beside the head's: a darker skin, and brown eyes of the same brightness.
_TONE = np.array([0.66, 0.54, 0.46])
_IRIS = np.array([1.75, 0.80, 0.36])
_FINE_CM, _FINE_ROUNDS = 0.03, 2


def recipe() -> dict[str, float]:
    """Target names and amounts that make the character from the base mesh."""
    amounts: dict[str, float] = dict(_DETAILS)
    for age, share in _AGES.items():
        amounts[f"macrodetails/universal-female-{age}-averagemuscle-averageweight"] = share
        for origin, part in _ORIGINS.items():
            amounts[f"macrodetails/{origin}-female-{age}"] = share * part
    for name, amount in _SIDED_DETAILS.items():
        for side in ("l", "r"):
            amounts[name.format(side)] = amount
    return amounts


def build(wheel_path: Path) -> asset.Arrays:
    """All arrays of the asset; see `core/sample_target.py` for what each means."""
    with Members(wheel_path) as members:
        base = _styled(basemesh.read(members, recipe(), ("jawOpen",)))
        other = soma.read(members, base.quads, len(base.points))
    face = skin.cut(base)
    limit = Limit.of(face.quads, face.around)
    face = replace(face, points=face.points + close_neutral(Lips.of(face, limit)))
    base.points[face.source] = face.points
    centres = eyes.centres(base)
    arrays: asset.Arrays = {"format": np.array(FORMAT, dtype=np.int32)}
    for part in (_skin(base, face, other, centres), *_others(base, face, limit, centres)):
        arrays.update(part_arrays(part))
    arrays["eye_centres"] = asset.rounded(centres)
    pairs = other.find(face.source[landmarks.correspondences(face)], base.shapes["jawOpen"])
    arrays["correspondences/corners"] = pairs.corners.astype(np.int32)
    arrays["correspondences/shares"] = asset.rounded(pairs.weights)
    return arrays


def _styled(base: basemesh.BaseMesh) -> basemesh.BaseMesh:
    """Larger eyes and a rounder forehead, by a smooth warp of all that is there."""
    points = base.points
    moved = points.copy()
    for centre in eyes.centres(base):
        away = points - centre
        near = np.exp(-((np.linalg.norm(away, axis=1) / _EYE_REACH_CM) ** 4))
        moved += _EYE_GROWTH * near[:, None] * away
    rise = np.clip((points[:, 1] - _BROW_CM) / (points[:, 1].max() - _BROW_CM), 0, 1)
    moved += (rise * rise * (3 - 2 * rise))[:, None] * _SKULL_CM
    return replace(base, points=moved)


def _skin(base: basemesh.BaseMesh, face: skin.Skin, other: soma.Soma, centres: Floats) -> Part:
    """The skin in SOMA's topology, on the surface to which subdivision takes the base mesh."""
    quads = base.quads[np.isin(base.quads, base.groups["body"]).all(axis=1)]
    surface = Limit.of(quads, Neighbours.of(quads, len(base.points)))(base.points)
    around = Neighbours.of(other.quads, len(other.points))
    points = smooth(other.binding.carry(surface), around, _FINE_CM, _FINE_ROUNDS)

    whole = np.tile(paint.BASE, (len(base.points), 1))
    whole[face.source] = paint.skin(face, centres)
    wet = np.zeros((len(base.points), 1))
    wet[face.source] = face.mouth[:, None]
    inside = np.any((other.binding.carry(wet)[:, 0] > 0.5)[other.quads], axis=1)
    names = ["mouth" if each else "skin" for each in inside.tolist()]
    return Part.of("skin", points, other.quads, names, colours=_TONE * other.binding.carry(whole))


def _others(base: basemesh.BaseMesh, face: skin.Skin, limit: Limit, centres: Floats) -> list[Part]:
    """Eyes, teeth, tongue, lashes and brows, fitted to this face."""
    middle = face.loops["edge"][[0, 19]]
    lip_line = float(face.points[middle, 1].mean())
    wall = float(face.points[face.local(np.array([571]))[0], 2])
    ball = base.points[base.groups["helper-l-eye"]] - centres[1]
    growth = float(np.linalg.norm(ball, axis=1).mean()) / _BALL_CM
    behind_lips = np.array([0.0, lip_line, wall])
    return [
        *(
            _scaled(
                denture.build(f"{name}_denture", arch(lip_line, wall)), behind_lips, _MOUTH_SCALE
            )
            for name, arch in (("upper", denture.upper), ("lower", denture.lower))
        ),
        tongue.at_rest(base),
        *(
            _brown(_scaled(eyes.build(f"eye_{side}", centre), centre, growth))
            for side, centre in zip(("right", "left"), centres, strict=True)
        ),
        hair.lashes(face, limit, {}, centres[1]),
        hair.brows(face, limit, {}, centres[1], hair.BROW_LINE * _BROWS),
        haircut.build(limit(face.points), face.quads),
    ]


def _scaled(part: Part, centre: Floats, scale: float) -> Part:
    return replace(part, points=centre + scale * (part.points - centre))


def _brown(eye: Part) -> Part:
    """The eye with an iris of another colour."""
    if eye.colours is None:
        return eye
    numbers = [MATERIALS.index(name) for name in ("iris", "pupil")]
    inside = np.unique(eye.faces[np.isin(eye.materials, numbers)])
    colours = eye.colours.copy()
    colours[inside] = colours[inside].mean(axis=1, keepdims=True) * _IRIS
    return replace(eye, colours=colours)
