# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertex animation: a take's point caches, played on the meshes of a face by Mesh Cache modifiers.

A modifier of ours is known by the file that it plays, which begins with its take's id: so copies,
renamed modifiers and appended objects are known, too. An artist's own Mesh Caches are left alone.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.exchange.pc2 import size_of
from ..core.retarget.marks import FITTED
from ..core.take_label import VERTICES, TakeLabel
from . import versions
from .characters import Character
from .mesh_cache import add_mesh_cache, blend_path
from .places import cache_path
from .references import Reference, reference
from .retarget_meshes import local_points
from .take_marks import our_curves, ours

NAME = "Facewright Vertex Animation"
SKIN, TONGUE = "skin", "tongue"  # roles of meshes; that of a fitted one: fitted_role
RestingKeys = tuple[Reference, tuple[str, ...]]  # shape keys of a mesh, and which of them
_FILE = re.compile(r"([0-9a-f]{32})_[^/\\]+\.pc2")


@dataclass(frozen=True)
class Cache:
    """A point cache of a take: which mesh of the face plays it."""

    role: str
    object: Reference
    path: Path


@dataclass(frozen=True)
class FaceCaches:
    """The caches of one face. ``keyed``: its meshes keep their shape keys' curves as well."""

    caches: tuple[Cache, ...] = ()
    keyed: bool = True

    @property
    def resting(self) -> list[bpy.types.Object]:
        """The meshes that move by vertices alone."""
        return [] if self.keyed else [each.object.get() for each in self.caches]


# ---- which modifiers there are


def caches_of(obj: bpy.types.Object) -> list[Any]:
    """The modifiers of ours on an object."""
    return [each for each in obj.modifiers if take_in(each)]


def take_in(modifier: Any) -> str:
    """Id of the take that a modifier of ours plays; empty for any other."""
    if modifier.type != "MESH_CACHE":
        return ""
    found = _FILE.fullmatch(str(modifier.filepath).replace("\\", "/").rpartition("/")[2])
    return found[1] if found else ""


def file_of(modifier: Any) -> Path:
    """The file that a modifier of ours plays; no path with ``..``, as relative ones have."""
    return Path(os.path.normpath(bpy.path.abspath(modifier.filepath)))


def moves_by_vertices(obj: bpy.types.Object) -> bool:
    """Whether an object plays vertices, and no take moves its shape keys."""
    keys: Any = getattr(obj.data, "shape_keys", None)
    if not any(each.show_render for each in caches_of(obj)):
        return False
    action = None if keys is None else ours(keys)
    slot = versions.assigned_slot(keys.animation_data) if action else 0
    return action is None or not our_curves(action, slot)


def players(character: Character) -> list[bpy.types.Object]:
    """The objects that play what a face plays: its own, and the fitted meshes that follow it."""
    own = [obj for obj in dict.fromkeys((character.face, *character.members)) if caches_of(obj)]
    takes = {take_in(each) for obj in own for each in caches_of(obj)}
    if not takes:
        return []
    others = (obj for obj in bpy.data.objects if FITTED in obj and obj not in own)
    found = [obj for obj in others if any(take_in(each) in takes for each in caches_of(obj))]
    return own + found


# ---- showing a take


class Change:
    """Changes to modifiers, which can be taken back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def play(
        self, obj: bpy.types.Object, path: Path, first: float, scale: float, show: bool
    ) -> None:
        """Let an object play a file from a frame on, ``scale`` samples in a frame. A modifier that
        is there stays where it stands; ``show`` switches it on. Raises UserError."""
        before = caches_of(obj)
        if before:
            modifier = before[0]
            self._undo.append(_restorer(obj, modifier))
            for each in before[1:]:
                self._remove(obj, each)
            modifier.filepath = blend_path(path)
        else:
            modifier = add_mesh_cache(obj, path, bpy.context.scene, first)
            modifier.name = NAME
            name = modifier.name
            self._undo.append(lambda: obj.modifiers.remove(obj.modifiers[name]))
            if obj.modifiers[0] != modifier:
                raise UserError(
                    f"'{obj.name}' is linked from another file, and its modifiers come first.",
                    "Make it local, or choose Shape Keys as output.",
                )
        _set_timing(modifier, first, scale)
        if show or not before:
            modifier.show_viewport = modifier.show_render = True

    def stop(self, obj: bpy.types.Object) -> None:
        """Take our modifiers off an object."""
        for modifier in caches_of(obj):
            self._remove(obj, modifier)

    def _remove(self, obj: bpy.types.Object, modifier: Any) -> None:
        place, values = list(obj.modifiers).index(modifier), _values(modifier)

        def put_back() -> None:
            new: Any = obj.modifiers.new(values["name"], "MESH_CACHE")
            _put(new, values)
            obj.modifiers.move(len(obj.modifiers) - 1, place)

        obj.modifiers.remove(modifier)
        self._undo.append(put_back)

    def take_back(self) -> None:
        """Everything as it was."""
        while self._undo:
            self._undo.pop()()


_VALUES = (
    "name", "filepath", "cache_format", "forward_axis", "up_axis", "deform_mode",
    "interpolation", "time_mode", "play_mode", "frame_start", "frame_scale", "factor",
    "vertex_group", "show_viewport", "show_render", "show_in_editmode", "show_expanded",
)  # fmt: skip


def _values(modifier: Any) -> dict[str, Any]:
    return {name: getattr(modifier, name) for name in _VALUES}


def _put(modifier: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(modifier, name, value)


def _restorer(obj: bpy.types.Object, modifier: Any) -> Callable[[], None]:
    values = _values(modifier)
    return lambda: _put(obj.modifiers[values["name"]], values)


def _set_timing(modifier: Any, first: float, scale: float) -> None:
    """As ``mesh_cache.set_timing``, which see, whatever the scene's rate is now."""
    modifier.frame_scale = scale
    modifier.frame_start = scale * first


def place(
    faces: Sequence[FaceCaches],
    before: Iterable[Reference],
    first: float,
    scale: float,
    output: str,
) -> Change:
    """Let meshes play a new take's caches, and take ours off the others that played one ``before``.
    Raises UserError and SceneChanged, with everything as it was."""
    change = Change()
    try:
        playing = set()
        for cache in (each for face in faces for each in face.caches):
            obj = cache.object.get()
            playing.add(obj)
            change.play(obj, cache.path, first, scale, output == VERTICES)
        for obj in (each.find() for each in before):
            if obj is not None and obj not in playing:
                change.stop(obj)
    except BaseException:
        change.take_back()
        raise
    return change


def files_played() -> list[Path]:
    """The files that modifiers of ours play."""
    return [file_of(each) for obj in bpy.data.objects for each in caches_of(obj)]


def cache_file(label: TakeLabel, name: str) -> Path | None:
    """A point cache of a take, also of a .blend that was saved to another folder since; None when
    it is gone."""
    folders = dict.fromkeys(path.parent for path in files_played())
    written = [Path(label.folder)] if Path(label.folder).is_absolute() else []
    return cache_path(label.take_id, name, (*folders, *written))


def missing_files(label: TakeLabel) -> list[str]:
    """Names of a take's point caches that are no longer there."""
    names = label.caches.values()
    return [str(name) for name in names if cache_file(label, str(name)) is None]


def check_files(label: TakeLabel) -> None:
    """Raise UserError where a take moves vertices alone and its files are gone."""
    missing = missing_files(label) if label.output == VERTICES else []
    if missing:
        raise UserError(
            f"The vertex animation of this take is gone: {missing[0]} is not in the folder of "
            "takes.",
            "Animate it again.",
        )


def show_again(label: TakeLabel, character: Character | None) -> list[str]:
    """Let a face play a take that moves it again, or nothing where that has no vertex animation.
    Returns notices."""
    if character is None:
        return []
    change, notices, playing = Change(), [], set()
    before = players(character)
    for role, name in label.caches.items():
        obj, path = _of_role(role, character), cache_file(label, str(name))
        if obj is None:
            continue
        try:
            if path is None:
                raise UserError(f"The vertex animation of '{obj.name}' is gone: {name}.")
            change.play(obj, path, label.first_frame, _scale_of(label, obj, path), True)
            playing.add(obj)
        except UserError as error:
            notices.append(f"{error.message} {error.hint}".strip())
    for obj in before:
        if obj not in playing:
            change.stop(obj)
    return notices


def _scale_of(label: TakeLabel, obj: bpy.types.Object, path: Path) -> float:
    """Samples in a frame of the scene. Raises UserError for a mesh that has changed."""
    points, samples = size_of(path)
    if points != len(obj.data.vertices):
        raise UserError(
            f"'{obj.name}' has {len(obj.data.vertices)} vertices, its vertex animation {points}.",
            "Animate it again.",
        )
    frames = label.last_frame - label.first_frame
    return (samples - 1) / frames if samples > 1 and frames > 0 else 1.0


def _of_role(role: str, character: Character) -> bpy.types.Object | None:
    if role == SKIN:
        return character.face
    if role == TONGUE:
        return character.tongue
    return next(
        (obj for obj in bpy.data.objects if FITTED in obj and fitted_role(obj) == role), None
    )


def fitted_role(fitted: bpy.types.Object) -> str:
    """What a fitted mesh is to the face that it follows; another one once it is fitted anew."""
    places = np.ascontiguousarray(local_points(fitted), np.float32)
    return f"fitted {fitted[FITTED]} {zlib.crc32(places.tobytes()):08x}"


def stop_playing(character: Character | None) -> bool:
    """Take our modifiers off a face, which then shows its shape keys; whether there were any."""
    found = [] if character is None else players(character)
    for obj in found:
        Change().stop(obj)
    return bool(found)


def forget(take_id: str) -> None:
    """Take the modifiers that play a take off all objects, copies too."""
    for obj in bpy.data.objects:
        for modifier in [each for each in obj.modifiers if take_in(each) == take_id]:
            obj.modifiers.remove(modifier)


def resting_keys(character: Character, resting: Sequence[bpy.types.Object]) -> list[RestingKeys]:
    """The shape keys that would move if vertices did not."""
    return [
        (reference(mesh.key), tuple(mesh.found.sources()))
        for mesh in character.meshes
        if mesh.object in resting
    ]


def put_to_rest(keys: Iterable[RestingKeys]) -> None:
    """Let shape keys show no expression, for where the modifier is off."""
    for owner, names in keys:
        for name in names:
            block = owner.get().key_blocks[name]
            block.value = max(0.0, block.slider_min)


def label_caches(faces: Sequence[FaceCaches]) -> dict[str, str]:
    """The names of all files, as a take's label has them."""
    return {
        f"{at}/{cache.role}": cache.path.name
        for at, face in enumerate(faces)
        for cache in face.caches
    }
