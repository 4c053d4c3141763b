# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches of a scene: which meshes are offered, and writing them frame by frame."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.exchange.caches import FORMATS, check_room, files_of, writing
from ..core.exchange.obj import write_obj
from ..core.exchange.point_cache import MAYA, Block, CacheClip, CacheMesh
from ..core.files import atomic_path
from ..core.retarget.marks import HIDDEN
from . import evaluated
from .exports import Exported, only
from .references import Reference, reference
from .refusals import reason_of
from .retarget_meshes import local_points
from .spans import Span, visit

SLICE_S, BACKGROUND_S = 0.04, 1.0  # of a step, so that the window goes on


@dataclass(frozen=True)
class CacheOrder:
    """What is to be written: meshes of a scene, their frames, to paths that begin with ``base``.

    ``kind`` is a key of `core.exchange.caches.FORMATS`. ``world`` has points in the world, else
    they are in each mesh's own space. ``leave_out``: without what changes the number of vertices.
    ``channel`` names a Maya cache's channel, * is the mesh."""

    scene: bpy.types.Scene
    layer: bpy.types.ViewLayer
    objects: tuple[bpy.types.Object, ...]
    span: Span
    base: Path
    kind: str
    world: bool = False
    leave_out: bool = True
    neutral: bool = False
    channel: str = "*Shape"


def offered(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, kind: str, pattern: str = ""
) -> list[bpy.types.Object]:
    """The meshes of a scene that are "VISIBLE", "SELECTED", or fit a "NAME" with * and ?, whatever
    the case; a name without either may stand anywhere."""
    meshes = [obj for obj in layer.objects if obj.type == "MESH"]
    if kind == "SELECTED":
        return [obj for obj in meshes if obj.select_get(view_layer=layer)]
    if kind == "VISIBLE":
        return [obj for obj in meshes if obj.visible_get(view_layer=layer)]
    wanted = pattern.strip().lower()
    wanted = wanted if any(each in wanted for each in "*?[") else f"*{wanted}*"
    return [obj for obj in meshes if fnmatch(obj.name.lower(), wanted)]


def undriven(objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those that a copy stands for: the copy, ``<name>_result``, moves, they do not."""
    return [obj for obj in objects if HIDDEN in obj]


def carried(objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those that are animated as whole objects, or below one that is."""
    return [obj for obj in objects if _is_carried(obj)]


def _is_carried(obj: bpy.types.Object) -> bool:
    data = obj.animation_data
    if data is not None and (data.action or len(data.nla_tracks) or len(data.drivers)):
        return True
    if len(obj.constraints):
        return True
    return obj.parent is not None and (bool(obj.parent_bone) or _is_carried(obj.parent))


def hidden_of(layer: bpy.types.ViewLayer, objects: Sequence[bpy.types.Object]) -> str:
    """Name of a mesh that Blender does not evaluate since it is hidden; empty for none."""
    return next((obj.name for obj in objects if not obj.visible_get(view_layer=layer)), "")


def write_steps(order: CacheOrder) -> Generator[float, None, list[list[Path]]]:
    """Write the caches, yielding how far it is; returns the files of each, as they are in place.

    Closing the generator leaves nothing. Raises UserError.
    """
    hidden = hidden_of(order.layer, order.objects)
    if hidden:
        raise UserError(f"'{hidden}' is hidden, so that nothing moves it.", "Show it first.")
    if order.neutral and not order.leave_out:
        raise UserError(
            "The neutral mesh has the vertices of the mesh itself, the caches have others.",
            "Switch No Subdivision on.",
        )
    left = evaluated.LeftOut(())
    if order.leave_out:
        left = evaluated.leave_out(order.objects, order.layer)
    try:
        if FORMATS[order.kind].filling is None:
            yield 0.0
            files = _write_alembic(order)
        else:
            files = yield from _frames(order, left)
    finally:
        left.give_back()
    return files


def _frames(order: CacheOrder, left: evaluated.LeftOut) -> Generator[float, None, list[list[Path]]]:
    source = _Source(order)
    with closing(visit(order.scene, order.span)) as moments:
        next(moments)
        clip = source.clip(order)
        neutral = source.neutral(order) if order.neutral else []
        share_s = BACKGROUND_S if bpy.app.background else SLICE_S
        with writing(order.base, order.kind, clip) as write:
            write(source.blocks())
            due = time.monotonic() + share_s
            for place in moments:
                write(source.blocks())
                if time.monotonic() < due:
                    continue
                left.give_back()
                yield (place + 1) / order.span.count
                left.take_away()
                source.still_there()
                due = time.monotonic() + share_s
    for path, name, points, faces in neutral:
        write_obj(path, name, points, faces)
    caches = files_of(order.base, order.kind, [mesh.name for mesh in clip.meshes])
    return [*caches, *([path] for path, *_rest in neutral)]


class _Source:
    """The meshes as they look at the frame that the scene shows."""

    def __init__(self, order: CacheOrder) -> None:
        self._references = [reference(obj) for obj in order.objects]
        self._scene: Reference = reference(order.scene)
        self._layer, self._world = order.layer, order.world
        self._first, self._counts = order.span.first, [-1] * len(order.objects)

    def still_there(self) -> None:
        """Raises Cancelled when something is gone."""
        for each in (self._scene, *self._references):
            each.get()

    def clip(self, order: CacheOrder) -> CacheClip:
        """What is to be written, as the meshes are now: at the first frame."""
        graph = self._layer.depsgraph
        meshes = []
        for place, owner in enumerate(self._references):
            obj = owner.get()
            self._counts[place] = len(evaluated.points_of(obj, graph))
            if not self._counts[place]:
                raise UserError(f"'{obj.name}' has no vertices.", "Leave it out.")
            meshes.append(CacheMesh(obj.name, self._counts[place], *evaluated.faces_of(obj, graph)))
        return CacheClip(
            order.base.name,
            tuple(meshes),
            order.span.count,
            order.span.rate,
            round(order.span.first),
            order.scene.unit_settings.scale_length,
            order.channel,
        )

    def blocks(self) -> list[Block]:
        """The present frame of all meshes."""
        graph = self._layer.depsgraph
        blocks = []
        for owner, count in zip(self._references, self._counts, strict=True):
            obj = owner.get()
            points = evaluated.points_of(obj, graph)
            if len(points) != count:
                raise UserError(
                    f"'{obj.name}' has {len(points)} vertices at frame "
                    f"{self._scene.get().frame_current}, {count} at frame {self._first:g}: a cache "
                    "cannot hold that.",
                    "Switch No Subdivision on, or apply what changes its vertices.",
                )
            place = evaluated.place_of(obj, graph)
            if self._world:
                blocks.append(Block(placed(points, place)[None]))
            else:
                blocks.append(Block(points[None], place[None]))
        return blocks

    def neutral(self, order: CacheOrder) -> list[tuple[Path, str, Any, list[Any]]]:
        """Path, name, points at rest and faces of each mesh, in the space of Maya's caches."""
        names = [owner.get().name for owner in self._references]
        clip = CacheClip("", (), 0, order.span.rate, 0, order.scene.unit_settings.scale_length)
        found = []
        # ".mc" stands for a kind that has a file for each mesh
        for owner, name, files in zip(
            self._references, names, files_of(order.base, "MC", names), strict=True
        ):
            obj = owner.get()
            points: Any = local_points(obj).astype(np.float32)
            if self._world:
                points = placed(points, evaluated.place_of(obj, self._layer.depsgraph))
            points = MAYA.block(clip, Block(points[None])).points[0]
            faces = [list(polygon.vertices) for polygon in obj.data.polygons]
            path = files[0].with_name(f"{files[0].stem}_neutral.obj")
            found.append((path, name, points, faces))
        return found


def placed(points: Any, place: Any) -> Any:
    """Points (V, 3) where an object's place (4, 4) puts them, float32."""
    return (points @ place[:3, :3].T + place[:3, 3]).astype(np.float32)


def _write_alembic(order: CacheOrder) -> list[list[Path]]:
    """All at once, by Blender's own exporter, which knows the scene's frames alone."""
    span = order.span
    if span.step != 1:
        raise UserError(
            "Blender writes Alembic at the scene's frame rate only.",
            "Switch Scene Frame Rate on, or choose USD.",
        )
    ((path,),) = files_of(order.base, order.kind, [""])
    first, last = round(span.first), round(span.first) + span.count - 1
    with atomic_path(path) as temporary:
        check_room(path, span.count * sum(len(obj.data.vertices) for obj in order.objects))
        temporary.unlink()
        try:
            with only(Exported(order.scene, order.objects, first, last)):
                bpy.ops.wm.alembic_export(
                    filepath=str(temporary),
                    check_existing=False,
                    start=first,
                    end=last,
                    selected=True,
                    flatten=order.world,
                    uvs=False,
                    packuv=False,
                    normals=False,
                    vcolors=False,
                    face_sets=False,
                    apply_subdiv=not order.leave_out,
                    export_hair=False,
                    export_particles=False,
                    export_custom_properties=False,
                    evaluation_mode="VIEWPORT",
                    as_background_job=False,
                )
        except RuntimeError as error:
            raise UserError(f"{path.name} cannot be written: {reason_of(error)}.") from error
        if not temporary.is_file():
            raise UserError(f"{path.name} cannot be written: Blender wrote nothing.")
    return [[path]]
