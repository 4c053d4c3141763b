# SPDX-License-Identifier: GPL-3.0-or-later
"""A face over time as the scene shows it: what drivers, actions, strips and constraints make of it.

Poses go by their canonical names, whatever the keys are called. What one pose drives twice counts
by its mean, a key for both halves of the face counts for both. Jaw, eyes and head come from what
turns as such.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.exchange.rest import eyes_of_looks
from ..core.face.track import FaceTrack
from ..core.naming import CANONICAL_NAMES
from ..core.postprocess.eyes import eye_look_weights
from .characters import Character
from .joint_reading import Array, eye_angles, has_rest, head_angles, jaw_motion, pose_now
from .joints import Joint
from .parts import Parts
from .references import Reference, reference
from .spans import Span, visit


@dataclass(frozen=True)
class _Read:
    """What was read at each moment: values (T, keys) by mesh's keys, poses (T, 4, 4) by joint."""

    values: dict[Reference, list[Array]]
    poses: dict[tuple[Reference, str], list[Array]]


def face_steps(
    scene: bpy.types.Scene, parts: Parts, span: Span, extra: bool = False
) -> Generator[float, None, FaceTrack]:
    """Read a face over a span, yielding the share that is done; in the end the scene is where it
    was. ``extra`` keys of the face's own mesh that mean no pose go by their own names.

    Raises UserError, and SceneChanged when a part of the face vanishes on the way.
    """
    kept = reference(scene)
    del scene
    character = parts.character(driven=True)
    _check_seen(character)
    keys = [reference(mesh.key) for mesh in character.meshes]
    joints = [(reference(joint.object), joint.bone) for joint in _joints(character)]
    read = _Read({key: [] for key in keys}, {joint: [] for joint in joints})
    del character
    moments = visit(kept.get(), span)
    try:
        for place in moments:
            graph = bpy.context.evaluated_depsgraph_get()
            for key, rows in read.values.items():
                rows.append(_values(key.get()))
            for (owner, bone), poses in read.poses.items():
                poses.append(pose_now(Joint(owner.get(), bone), graph))
            del graph
            yield (place + 1) / span.count
    finally:
        kept_scene = kept.find()
        if kept_scene is not None:
            moments.close()
    return _face(parts.character(driven=True), read, span, extra)


def _check_seen(character: Character) -> None:
    """Blender leaves out the animation of what is disabled. Raises UserError for such a mesh."""
    bpy.context.view_layer.update()  # what a script has just added counts, too
    graph = bpy.context.evaluated_depsgraph_get()
    for mesh in character.meshes:
        if not mesh.key.evaluated_get(graph).is_evaluated:
            raise UserError(
                f"'{mesh.object.name}' is disabled in viewports, so its animation cannot be read.",
                "Enable it first.",
            )


def _joints(character: Character) -> list[Joint]:
    """What is read besides the keys; a head counts when its rest is known."""
    found = [*character.jaw[:1], *(eye for eye in character.eyes if eye is not None)]
    if character.head is not None and (character.head.bone or has_rest(character.head)):
        found.append(character.head)
    return found


def _values(key: bpy.types.Key) -> Array:
    blocks = key.key_blocks
    values, mute = np.empty(len(blocks), np.float32), np.empty(len(blocks), bool)
    blocks.foreach_get("value", values)
    blocks.foreach_get("mute", mute)
    values[mute] = 0.0
    return values


def _face(character: Character, read: _Read, span: Span, extra: bool) -> FaceTrack:
    columns: dict[str, Array] = {}
    for mesh in character.meshes:
        place = {block.name: at for at, block in enumerate(mesh.key.key_blocks)}
        table = np.stack(read.values[reference(mesh.key)])
        for pose, names in mesh.found.pairs.items():
            values = table[:, [place[name] for name in names]].mean(axis=1, dtype=np.float64)
            columns.setdefault(pose, values)
        if extra and mesh.object == character.face:
            for name in mesh.found.unmatched_available:
                columns.setdefault(name, table[:, place[name]])
    eyes = _eyes(character, read, span, columns)
    if any(character.eyes):
        for name, look in eye_look_weights(eyes.astype(np.float32)).items():
            columns.setdefault(name, look)
    names = (*CANONICAL_NAMES, *(name for name in columns if name not in CANONICAL_NAMES))
    weights = np.zeros((span.count, len(names)), np.float32)
    for column, name in enumerate(names):
        if name in columns:
            weights[:, column] = columns[name]
    jaw = np.tile(np.eye(4), (span.count, 1, 1))
    if character.jaw:
        jaw = jaw_motion(character.jaw[0], character.face, _poses(read, character.jaw[0]))
    head = character.head
    turned = head is not None and (reference(head.object), head.bone) in read.poses
    return FaceTrack(
        names=names,
        weights=weights,
        jaw=jaw.astype(np.float32),
        eyes=eyes.astype(np.float32),
        fps=span.rate,
        duration_s=float(span.count / span.rate),
        head=head_angles(head, _poses(read, head)).astype(np.float32) if head and turned else None,
    )


def _eyes(character: Character, read: _Read, span: Span, columns: dict[str, Array]) -> Array:
    """Angles (T, 2, 2) of the eyes that turn; of others as the eyeLook poses say."""
    names = list(columns)
    looks = np.stack([columns[name] for name in names], axis=1) if names else np.zeros((0, 0))
    eyes = eyes_of_looks(names, looks) if names else np.zeros((span.count, 2, 2))
    for index, joint in enumerate(character.eyes):
        if joint is not None:
            eyes[:, index] = eye_angles(joint, character.face, _poses(read, joint))
    return eyes


def _poses(read: _Read, joint: Joint) -> Array:
    return np.stack(read.poses[reference(joint.object), joint.bone])
