# SPDX-License-Identifier: GPL-3.0-or-later
"""What one face consists of: the meshes whose shape keys it moves, the lower denture, the eyes.

Either the parts of the built-in head, which carry a custom property, or any mesh with ARKit-named
shape keys and the meshes that are parented to it. What the user has attached comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.naming import ARKIT_NAMES, CANONICAL_NAMES, TONGUE_NAMES, Match, match
from ..core.retarget.marks import FITTED, RESULT
from .joints import PART, Joint, check_joint

JAW_PARTS = ("lower_denture",)
EYE_PARTS = ("eye_right", "eye_left")


@dataclass(frozen=True)
class ShapedMesh:
    """A mesh with keys for poses. ``ranges`` are the sliders' limits of every key."""

    object: bpy.types.Object
    key: Any
    found: Match
    ranges: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Attachments:
    """What the user has attached; what is None is found by itself, or is not there."""

    tongue: bpy.types.Object | None = None
    jaw: Joint | None = None
    eye_right: Joint | None = None
    eye_left: Joint | None = None
    others: tuple[bpy.types.Object, ...] = ()

    @property
    def meshes(self) -> Iterator[bpy.types.Object]:
        """Those that move by shape keys."""
        if self.tongue is not None:
            yield self.tongue
        yield from self.others

    @property
    def joints(self) -> Iterator[tuple[str, Joint]]:
        """Those that turn, with what to call them."""
        named = (("jaw", self.jaw), ("right eye", self.eye_right), ("left eye", self.eye_left))
        yield from ((what, joint) for what, joint in named if joint is not None)


NOTHING = Attachments()


@dataclass(frozen=True)
class Character:
    """One face. ``eyes`` are [right, left]; ``missing`` ARKit poses that no mesh has;
    ``unmatched`` keys of the face's own mesh that mean no pose; ``head`` is turned by head motion:
    the built-in head turns as a whole, of any other face nobody knows. ``tongue`` is the mesh that
    is the tongue alone. ``meshes`` may be empty where vertices move without shape keys."""

    name: str
    face: bpy.types.Object
    meshes: tuple[ShapedMesh, ...]
    jaw: tuple[Joint, ...] = ()
    eyes: tuple[Joint | None, Joint | None] = (None, None)
    head: Joint | None = None
    tongue: bpy.types.Object | None = None
    members: tuple[bpy.types.Object, ...] = ()
    missing: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def found_count(self) -> int:
        return len(ARKIT_NAMES) - len(self.missing)


@contextmanager
def looking() -> Iterator[None]:
    """Within it nothing of the scene changes, so a face is looked at once: for drawing, where the
    panel, its buttons and their polls all ask for the same."""
    outer = _seen[0]
    _seen[0] = {} if outer is None else outer
    try:
        yield
    finally:
        _seen[0] = outer


_seen: list[dict[Any, Character | UserError] | None] = [None]


def find_character(
    obj: bpy.types.Object | None,
    poses: Sequence[str] = CANONICAL_NAMES,
    attached: Attachments = NOTHING,
    keyless: bool = False,
    driven: bool = False,
) -> Character:
    """The face that an object belongs to. Raises UserError when it cannot be animated.

    ``keyless``: meshes need no shape keys, since their vertices are moved. ``driven`` keys, which
    takes leave alone, belong to it too where it is only read.
    """
    seen = _seen[0]
    if seen is None:
        return _found(obj, poses, attached, keyless, driven)
    key = (obj, tuple(poses), attached, keyless, driven)
    if key not in seen:
        try:
            seen[key] = _found(obj, poses, attached, keyless, driven)
        except UserError as error:
            seen[key] = error
    found = seen[key]
    if isinstance(found, UserError):
        raise found
    return found


def _found(
    obj: bpy.types.Object | None,
    poses: Sequence[str],
    attached: Attachments,
    keyless: bool,
    read: bool,
) -> Character:
    if obj is None:
        raise UserError("No face is chosen.", "Choose the mesh of a face.")
    if not obj.users_scene:  # deleted, but kept by whoever points at it
        raise UserError(f"'{obj.name}' is in no scene.", "Choose another face.")
    _check(attached)
    members = _members(obj)
    face = _face_of(obj, members)
    if face.type != "MESH":
        kind = face.type.replace("_", " ").lower()
        raise UserError(f"'{face.name}' is no mesh ({kind}).", "Choose the mesh of a face.")
    parts = {obj[PART]: obj for obj in members if PART in obj}
    members = _with_attached(members, parts, attached)
    notices: list[str] = []
    turned = [joint.object for _what, joint in attached.joints if not joint.bone]
    shaped = [obj for obj in members if obj not in turned]  # an eye that turns needs no key for it
    meshes = tuple(_shaped_meshes(shaped, tuple(poses), notices, read))
    if not keyless:
        if not meshes:
            raise UserError(_why_not(face), "Name its shape keys as ARKit does (jawOpen, ...).")
        _check_shaped(attached, meshes)
    used = {name for mesh in meshes for name in mesh.found.pairs}
    return Character(
        name=face.name,
        face=face,
        meshes=meshes,
        jaw=(attached.jaw,) if attached.jaw else tuple(_parts(parts, JAW_PARTS)),
        eyes=(
            attached.eye_right or next(_parts(parts, EYE_PARTS[:1]), None),
            attached.eye_left or next(_parts(parts, EYE_PARTS[1:]), None),
        ),
        head=Joint(face) if PART in face else None,
        tongue=attached.tongue or parts.get("tongue") or _tongue_of(face, meshes),
        members=members,
        missing=tuple(name for name in ARKIT_NAMES if name not in used),
        unmatched=next((m.found.unmatched_available for m in meshes if m.object == face), ()),
        notices=tuple(notices),
    )


def _tongue_of(face: bpy.types.Object, meshes: Iterable[ShapedMesh]) -> bpy.types.Object | None:
    """The mesh whose keys are the tongue's, other than the face itself."""
    names = set(TONGUE_NAMES)
    shaped = (mesh for mesh in meshes if mesh.object != face)
    return next((mesh.object for mesh in shaped if names & set(mesh.found.pairs)), None)


def with_head_target(
    character: Character, obj: bpy.types.Object | None, bone: str = ""
) -> Character:
    """The face with another head to turn; None keeps its own. Raises UserError."""
    if obj is None:
        if bone:
            raise UserError(f"The head bone '{bone}' belongs to no armature.", "Choose one.")
        return character
    head = Joint(obj, bone)
    if head in character.jaw or head in character.eyes:
        raise UserError(f"'{bone or obj.name}' cannot be the head, the take moves it already.")
    check_joint(head, "head")
    return replace(character, head=head)


def _check(attached: Attachments) -> None:
    """Raise UserError for what cannot be attached, whatever the face is."""
    seen: dict[Joint, str] = {}
    for what, joint in attached.joints:
        check_joint(joint, what)
        if joint in seen:
            name = joint.bone or joint.object.name
            raise UserError(f"'{name}' cannot be both {seen[joint]} and {what}.")
        seen[joint] = what
    for obj in attached.meshes:
        if not obj.users_scene:
            raise UserError(f"'{obj.name}' is in no scene.", "Choose another mesh.")
        if obj.type != "MESH":
            raise UserError(f"'{obj.name}' is no mesh.", "Choose another.")


def _check_shaped(attached: Attachments, meshes: Sequence[ShapedMesh]) -> None:
    """Raise UserError for an attached mesh that a take would not move."""
    keys = [mesh.key for mesh in meshes]
    for obj in attached.meshes:
        if getattr(obj.data, "shape_keys", None) not in keys:
            raise UserError(_why_not(obj), "Detach it, or name its shape keys as ARKit does.")


def _with_attached(
    members: tuple[bpy.types.Object, ...],
    parts: dict[str, bpy.types.Object],
    attached: Attachments,
) -> tuple[bpy.types.Object, ...]:
    """The objects of a face with what is attached, instead of the parts that it replaces."""
    joints = [joint for _what, joint in attached.joints]
    named = (
        ("tongue", attached.tongue), (JAW_PARTS[0], attached.jaw),
        (EYE_PARTS[0], attached.eye_right), (EYE_PARTS[1], attached.eye_left),
    )  # fmt: skip
    replaced = [parts.get(part) for part, given in named if given is not None]
    objects = [*attached.meshes, *(joint.object for joint in joints if not joint.bone)]
    kept = [obj for obj in members if obj not in replaced]
    return tuple(dict.fromkeys([*kept, *objects]))


def _parts(parts: dict[str, bpy.types.Object], names: Iterable[str]) -> Iterator[Joint]:
    return (Joint(parts[name]) for name in names if name in parts)


def _members(obj: bpy.types.Object) -> tuple[bpy.types.Object, ...]:
    """All objects of a face; of the built-in head whichever of its parts was given."""
    if PART not in obj:
        return (obj, *(child for child in obj.children_recursive if _is_member(child)))
    root = obj
    while root.parent is not None and PART in root.parent:
        root = root.parent
    return tuple(o for o in (root, *root.children_recursive) if PART in o)


def _is_member(child: bpy.types.Object) -> bool:
    """Whether a child of a face is a part of it, and no copy that follows another face."""
    return child.type == "MESH" and RESULT not in child and FITTED not in child


def _face_of(obj: bpy.types.Object, members: Iterable[bpy.types.Object]) -> bpy.types.Object:
    return next((member for member in members if member.get(PART) == "skin"), obj)


def _shaped_meshes(
    members: Iterable[bpy.types.Object], poses: tuple[str, ...], notices: list[str], read: bool
) -> Iterable[ShapedMesh]:
    seen: set[str] = set()
    for obj in members:
        key: Any = getattr(obj.data, "shape_keys", None)
        if key is None or not key.use_relative or key.name in seen:
            continue
        seen.add(key.name)
        driven = set() if read else _driven(key)
        blocks = [block for block in key.key_blocks if block != key.reference_key]
        found = _match(poses, tuple(b.name for b in blocks if b.name not in driven))
        skipped = sorted(driven.intersection(_match(poses, tuple(driven)).sources()))
        if skipped:
            notices.append(f"Left alone, as drivers move them: {', '.join(skipped)}.")
        if not found.pairs:
            continue
        if not read and not key.is_editable:
            raise UserError(
                f"The shape keys of '{obj.name}' are linked from another file.",
                f"Make a library override of {'its mesh too' if obj.override_library else 'it'}.",
            )
        used = found.sources()
        muted = [block.name for block in blocks if block.mute and block.name in used]
        if muted:
            notices.append(f"Muted shape keys of '{obj.name}' do not move: {', '.join(muted)}.")
        if obj.show_only_shape_key:
            notices.append(f"'{obj.name}' shows one pinned shape key; unpin it to see the take.")
        yield ShapedMesh(obj, key, found, {b.name: (b.slider_min, b.slider_max) for b in blocks})


def _driven(key: Any) -> set[str]:
    """Names of the keys whose value a driver sets."""
    if key.animation_data is None or not key.animation_data.drivers:
        return set()
    paths = {curve.data_path for curve in key.animation_data.drivers}
    return {block.name for block in key.key_blocks if block.path_from_id("value") in paths}


@lru_cache(maxsize=64)
def _match(poses: tuple[str, ...], names: tuple[str, ...]) -> Match:
    """Panels ask on every redraw."""
    return match(poses, names)


def _why_not(face: bpy.types.Object) -> str:
    key: Any = getattr(face.data, "shape_keys", None)
    if key is None:
        return f"'{face.name}' has no shape keys."
    if not key.use_relative:
        return f"The shape keys of '{face.name}' are absolute; switch on Relative."
    return f"No shape key of '{face.name}' has a name of a pose."
