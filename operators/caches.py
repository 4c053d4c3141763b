# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing geometry caches: frame by frame, with progress and Esc."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..core.errors import UserError, shortly
from ..core.exchange.caches import FORMATS
from ..core.exchange.maya_cache import is_regular
from ..properties.caches import MAYA, PLAYED
from ..properties.progress import STATE
from ..scene.cache_copy import add_copy
from ..scene.caches import CacheOrder, carried, hidden_of, offered, undriven, write_steps
from ..scene.references import reference
from .asking import Progress
from .chosen import job_problem
from .explained import Explained
from .exports import folder_problem, order_of
from .rendering import until_rendered
from .running import Running

if TYPE_CHECKING:
    from ..scene.references import Reference

PANEL = "FACEWRIGHT_PT_caches"


@dataclass(frozen=True)
class Written:
    """The files of each cache, and what is worth a look."""

    caches: tuple[tuple[Path, ...], ...]
    notices: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was written, without full stop."""
        names = [path.name for files in self.caches for path in files]
        return f"Wrote {shortly(names, 3)} to {self.caches[0][0].parent}"


def listed(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The meshes that the filter of the shown scene lets through."""
    scene: Any = context.scene
    chosen = scene.facewright.caches
    return offered(scene, context.view_layer, chosen.mesh_filter, chosen.pattern)


def ticked(context: bpy.types.Context) -> list[Any]:
    """Those of them that are to be written."""
    meshes: list[Any] = list(listed(context))
    return [obj for obj in meshes if obj.facewright_cache.use]


def _stem(name: str, kind: str) -> str:
    """Name of the files, without ending; that of all meshes is not the name of their full USD."""
    return f"{name}_cache" if FORMATS[kind].together else name


def undriven_problem() -> str:
    """Why a mesh that a copy stands for is hardly meant, with its {name} to be filled in."""
    return "The copy '{name}_result' moves, '{name}' does not: choose the copy"


def left_out_problem() -> str:
    """What a file without transforms leaves out, with the {name} of a mesh to be filled in."""
    return "The movement of '{name}' as an object is left out: choose World as the space"


def left_out(objects: Sequence[bpy.types.Object], kind: str, world: bool) -> str:
    """Name of the first mesh whose movement as an object a file would not have; else empty."""
    if world or FORMATS[kind].together:
        return ""
    return next((obj.name for obj in carried(objects)), "")


def warnings_for(objects: Sequence[bpy.types.Object], kind: str, world: bool) -> list[str]:
    """What is worth a look before meshes are written."""
    found = [undriven_problem().format(name=each.name) for each in undriven(objects)]
    name = left_out(objects, kind, world)
    found += [left_out_problem().format(name=name)] if name else []
    return [f"{each}." for each in found]


class FACEWRIGHT_OT_export_caches(Running, bpy.types.Operator):
    """Write the ticked meshes, frame by frame, as a geometry cache; Esc cancels"""

    bl_idname = "facewright.export_caches"
    bl_label = "Export Geometry Cache"
    bl_options = {"REGISTER", "UNDO"}

    topic = PANEL

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = job_problem(context)
        if reason:
            return reason
        objects = ticked(context)
        if not objects:
            return "No mesh is ticked: choose what to write"
        if hidden_of(context.view_layer, objects):
            return "A ticked mesh is hidden: show it, or take its tick away"
        return folder_problem(context.scene)

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Written]:
        scene: Any = context.scene
        chosen, objects = scene.facewright.caches, ticked(context)
        if not objects:
            raise UserError("No mesh is ticked.", "Choose what to write.")
        exported = order_of(scene, objects[0].name)
        order = CacheOrder(
            scene,
            context.view_layer,
            tuple(objects),
            exported.span,
            exported.folder / _stem(exported.name, chosen.format),
            chosen.format,
            world=chosen.space == "WORLD",
            leave_out=chosen.leave_out,
            neutral=chosen.neutral,
            channel=chosen.channel,
        )
        play = chosen.play and chosen.format in PLAYED  # the copy moves as the mesh does
        warnings = warnings_for(objects, chosen.format, order.world or play)
        return export_steps(order, play, warnings)

    def tell(self, result: Written) -> None:
        for notice in result.notices:
            self.report({"WARNING"}, notice)
        STATE.end(f"{result.sentence}.", "done", result.notices)
        self.report({"INFO"}, f"{result.sentence}.")


class FACEWRIGHT_OT_tick_caches(Explained, bpy.types.Operator):
    """Tick all meshes of the list, or none"""

    bl_idname = "facewright.tick_caches"
    bl_label = "Tick Meshes"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    use: BoolProperty(name="Tick", description="Tick them; else take the ticks away", default=True)

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if listed(context) else "The list is empty"

    def execute(self, context: bpy.types.Context) -> set[str]:
        meshes: list[Any] = list(listed(context))
        for obj in meshes:
            obj.facewright_cache.use = self.use
        return {"FINISHED"}


def export_steps(
    order: CacheOrder, play: bool = False, warnings: Sequence[str] = ()
) -> Generator[Progress, None, Written]:
    """Write caches and, where they are to ``play``, give each mesh a copy that plays its file.

    Closing it leaves nothing. Raises UserError.
    """
    references = [reference(obj) for obj in order.objects]
    notices = list(warnings)
    files: Any = []
    yield from until_rendered()
    steps = write_steps(order)
    try:
        while True:
            done = next(steps)
            yield Progress(done, f"Writing {FORMATS[order.kind].title}")
            yield from until_rendered(done)
    except StopIteration as end:
        files = end.value
    finally:
        steps.close()
    if order.kind in MAYA and not is_regular(order.span.rate):
        notices.append(
            "Maya counts 6000 ticks a second; at this frame rate each frame is at the nearest tick."
        )
    if play:
        notices.append(_played(order, references, [each[0] for each in files[: len(references)]]))
    return Written(tuple(tuple(each) for each in files), tuple(notices))


def _played(order: CacheOrder, owners: Sequence[Reference], paths: Sequence[Path]) -> str:
    """Let a copy of each mesh play its file; tells so."""
    for owner, path in zip(owners, paths, strict=True):
        copy = add_copy(
            owner.get(),
            order.scene,
            order.layer,
            path,
            order.span.first,
            order.span.rate,
            world=order.world,
            leave_out=order.leave_out,
        )
    if len(owners) > 1:
        return f"{len(owners)} copies such as '{copy.name}' play the files; the meshes are hidden."
    return f"'{copy.name}' plays the file; '{owners[0].get().name}' is hidden."


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_export_caches, FACEWRIGHT_OT_tick_caches)
)
