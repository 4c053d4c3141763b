# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving an animated face: .blend, .usdc/.usd, .fbx, .glb, .json. Each file is whole or not
there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.exchange import blend_check, crate_check
from ..core.exchange.weights_json import write_weights
from ..core.face.track import FaceTrack
from ..core.files import atomic_path
from . import versions
from .rates import scene_rate
from .refusals import reason_of
from .vertex_animation import moves_by_vertices

NO_VERTICES = (
    "FBX holds no vertex animation; export a geometry cache, or animate shape keys as well."
)
SUFFIXES = (".blend", ".usdc", ".usd", ".fbx", ".glb", ".json")
_CHECKS = {  # of what Blender may have left half written without a word
    ".blend": blend_check.is_whole,
    ".usdc": crate_check.is_whole,
    ".usd": crate_check.is_whole,
}
_ADDONS = {
    ".fbx": ("EXPORT_SCENE_OT_fbx", "FBX format"),
    ".glb": ("EXPORT_SCENE_OT_gltf", "glTF 2.0 format"),
}


@dataclass(frozen=True)
class Exported:
    """What is saved: the objects of a face in a scene, the take's frames, and the take itself,
    which only .json needs."""

    scene: bpy.types.Scene
    objects: tuple[bpy.types.Object, ...]
    first_frame: int
    last_frame: int
    face: FaceTrack | None = None
    voice_path: str = ""


def check_outputs(paths: Sequence[str]) -> tuple[Path, ...]:
    """The places to save to, looked at before any work is done. Raises UserError."""
    result = []
    for text in paths:
        path = Path(bpy.path.abspath(text)).absolute()
        check_kind(path)
        check_place(path)
        result.append(path)
    return tuple(result)


def check_place(path: Path) -> None:
    """Raise UserError where a file could not be written, before any work is done."""
    with suppress(_Trial), atomic_path(path):
        raise _Trial  # nothing is written, but what is wrong with the place is said


def check_kind(path: Path) -> None:
    """Raises UserError for a file whose ending is not saved in this Blender."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(
            f"{path.name} cannot be saved: its ending is none of {', '.join(SUFFIXES)}.",
            "Choose another file name.",
        )
    if suffix in (".usdc", ".usd") and not versions.has_usd():
        raise UserError(f"{path.name} cannot be saved: this Blender has no USD.")
    operator, addon = _ADDONS.get(suffix, ("", ""))
    if operator and not hasattr(bpy.types, operator):
        raise UserError(
            f"{path.name} cannot be saved: the add-on for {suffix} files is switched off.",
            f"Enable '{addon}' in the preferences.",
        )


def save(path: Path, content: Exported) -> tuple[str, ...]:
    """Save to one file by its ending; returns notices. Raises UserError."""
    writer = {
        ".blend": _write_blend,
        ".usdc": _write_usd,
        ".usd": _write_usd,
        ".fbx": _write_fbx,
        ".glb": _write_glb,
        ".json": _write_json,
    }[path.suffix.lower()]
    with atomic_path(path) as temporary:
        temporary.unlink()  # exporters make their own file, and Blender would keep a backup
        try:
            notices = writer(temporary, content)
        except RuntimeError as error:  # what an operator of Blender reports
            raise UserError(f"{path.name} cannot be saved: {reason_of(error)}.") from error
        if not temporary.is_file():
            raise UserError(f"{path.name} cannot be saved: Blender wrote nothing.")
        check = _CHECKS.get(path.suffix.lower())
        if check is not None and not check(temporary):
            raise UserError(
                f"{path.name} cannot be saved: it was not written to its end.",
                "Check the free space.",
            )
    return tuple(f"{path.name}: {notice}" for notice in notices)


class _Trial(Exception):
    pass


def _write_json(path: Path, content: Exported) -> tuple[str, ...]:
    if content.face is None:
        raise UserError(f"{path.name} cannot be saved: there are no weights to save.")
    write_weights(path, content.face, content.voice_path)
    return ()


def _write_blend(path: Path, content: Exported) -> tuple[str, ...]:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=True, check_existing=False)
    return ()


def _write_usd(path: Path, content: Exported) -> tuple[str, ...]:
    with only(content):
        bpy.ops.wm.usd_export(
            filepath=str(path),
            check_existing=False,
            selected_objects_only=True,
            evaluation_mode="VIEWPORT",  # a render's would leave out what renders do not show
            export_animation=True,
            # What moves by vertices alone is written as points of every frame, and so is all else
            export_shapekeys=not any(moves_by_vertices(obj) for obj in content.objects),
            export_armatures=_has_armature(content),
            export_custom_properties=False,
            convert_world_material=False,  # it would come with a folder of textures
            **versions.usd_texture_options(),
        )
    if not crate_check.is_whole(path):
        return ()  # ``save`` says so
    usd = versions.usd_module()
    if usd is None:
        return ("its framesPerSecond is 24; timeCodesPerSecond is right.",)
    stage = usd.Stage.Open(str(path))
    rate = float(scene_rate(content.scene))  # the exporter writes 24, and a rounded rate
    stage.SetFramesPerSecond(rate)
    stage.SetTimeCodesPerSecond(rate)
    stage.GetRootLayer().Save()
    return ()


def _write_fbx(path: Path, content: Exported) -> tuple[str, ...]:
    with only(content):
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            object_types={"EMPTY", "MESH", "ARMATURE"},
            use_mesh_modifiers=False,  # a modifier that is applied loses the shape keys
            bake_anim=True,
            bake_anim_use_all_bones=_has_armature(content),
            # With either of these, animation that lies on shape keys alone is dropped.
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_simplify_factor=0.0,
        )
    return (NO_VERTICES,) if any(moves_by_vertices(obj) for obj in content.objects) else ()


def _write_glb(path: Path, content: Exported) -> tuple[str, ...]:
    with only(content):
        bpy.ops.export_scene.gltf(
            filepath=str(path),
            check_existing=False,
            export_format="GLB",
            use_selection=True,
            export_apply=False,  # a modifier that is applied loses the shape keys
            export_animations=True,
            # What the scene shows, frame by frame: strips, drivers and constraints included
            export_animation_mode="SCENE",
            export_anim_scene_split_object=False,
            export_force_sampling=True,
            export_frame_range=True,
            export_anim_slide_to_zero=True,
            export_optimize_animation_size=False,
            export_morph=True,
            export_morph_animation=True,
        )
    return ()


def _has_armature(content: Exported) -> bool:
    return any(obj.type == "ARMATURE" for obj in content.objects)


@contextmanager
def only(content: Exported) -> Iterator[None]:
    """Select the face's objects and set the range to the take's frames, then put all back."""
    scene, layer = content.scene, bpy.context.view_layer
    hidden = [o.name for o in content.objects if not _selectable(o, layer)]
    if hidden:
        raise UserError(f"'{hidden[0]}' is hidden, so it cannot be exported.", "Show it first.")
    selected = [obj for obj in layer.objects if obj.select_get()]
    active, span = layer.objects.active, (scene.frame_start, scene.frame_end)
    try:
        for obj in selected:
            obj.select_set(False)
        for obj in content.objects:
            obj.select_set(True)
        layer.objects.active = content.objects[0]
        scene.frame_start, scene.frame_end = content.first_frame, content.last_frame
        yield
    finally:
        scene.frame_start, scene.frame_end = span
        for obj in content.objects:
            obj.select_set(False)
        for obj in selected:
            obj.select_set(True)
        layer.objects.active = active


def _selectable(obj: bpy.types.Object, layer: Any) -> bool:
    return obj.name in layer.objects and obj.visible_get(view_layer=layer)
