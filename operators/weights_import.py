# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Weights: a weights JSON, a SkelAnimation of USD or a Live Link Face CSV becomes a take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from ..core.errors import UserError
from ..core.limits import MAX_FPS
from ..core.take_label import NEW, NLA, REPLACE
from ..properties.exports import LAST_FRAME
from ..scene.picking import mesh_under
from ..scene.refusals import said
from .explained import Explained
from .running import Running
from .weights import PANEL, busy, tell
from .weights_face import face_problem, target_of

if TYPE_CHECKING:
    from .weights_run import Outcome, Steps

GLOB = "*.json;*.usd;*.usda;*.usdc;*.csv"


def _filepath() -> Any:
    return StringProperty(
        name="File",
        description="Weights JSON, USD with a SkelAnimation, or CSV of Live Link Face",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )


def _start() -> Any:
    return FloatProperty(
        name="Start Frame",
        description="Frame of the scene at which the file begins",
        default=1.0,
        min=-LAST_FRAME,
        max=LAST_FRAME,
        precision=1,
        options={"SKIP_SAVE"},
    )


def _bake() -> Any:
    return EnumProperty(
        name="Bake To",
        description="What becomes of the take that the face has",
        items=(
            (NEW, "New Action", "It stays in the list of takes and can be activated again"),
            (NLA, "NLA Strip", "The imported take becomes a strip on a track of its own"),
            (REPLACE, "Replace", "It is deleted; an action of yours is kept in the file"),
        ),
        default=NEW,
        options={"SKIP_SAVE"},
    )


def _fps() -> Any:
    return FloatProperty(
        name="CSV Frame Rate",
        description="Frames per second of a CSV, which does not say it; 0 goes by its time codes",
        default=0.0,
        min=0.0,
        max=MAX_FPS,
        precision=3,
        options={"SKIP_SAVE"},
    )


class FACEWRIGHT_OT_import_weights(Running, bpy.types.Operator):
    """Read a weights JSON, USD animation or Live Link Face CSV onto the chosen face as a take"""

    bl_idname = "facewright.import_weights"
    bl_label = "Import Weights"
    bl_options = {"UNDO"}
    topic = PANEL

    filepath: _filepath()
    object: StringProperty(
        name="Object",
        description="Name of the face's mesh; empty is the one chosen in the panel",
        options={"SKIP_SAVE"},
    )
    start_frame: _start()
    fps: _fps()
    bake: _bake()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath and not bpy.app.background:
            browse: Any = bpy.ops.facewright.choose_weights
            browse("INVOKE_DEFAULT")
            return {"CANCELLED"}
        return Running.invoke(self, context, event)

    def steps(self, context: bpy.types.Context) -> Steps:
        from ..scene.rates import parse_rate
        from .weights_run import import_steps

        scene: Any = context.scene
        obj = scene.facewright.weights.face
        if self.object:
            obj = scene.objects.get(self.object)
            if obj is None:
                raise UserError(f"The scene has no object '{self.object}'.", "Name another.")
        if not self.filepath.strip():
            raise UserError("No file is named.", "Choose one.")
        given = self.properties.is_property_set("start_frame")
        return import_steps(
            scene,
            target_of(scene, obj),
            Path(bpy.path.abspath(self.filepath)).absolute(),
            self.start_frame if given else None,
            parse_rate(self.fps) if self.fps else None,
            self.bake,
        )

    def tell(self, result: Outcome) -> None:
        tell(self, result)


class FACEWRIGHT_OT_choose_weights(Explained, bpy.types.Operator):
    """Choose a weights JSON, USD animation or Live Link Face CSV, and read it as a take"""

    bl_idname = "facewright.choose_weights"
    bl_label = "Import Weights"

    filepath: _filepath()
    filter_glob: StringProperty(default=GLOB, options={"HIDDEN", "SKIP_SAVE"})
    start_frame: _start()
    fps: _fps()
    bake: _bake()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        chosen: Any = context.scene.facewright.weights
        return busy(context) or face_problem(context.scene, chosen.face)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.start_frame = context.scene.frame_start
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hand over to the operator that runs in steps."""
        run: Any = bpy.ops.facewright.import_weights
        given = {"start_frame": self.start_frame, "fps": self.fps, "bake": self.bake}
        try:
            run("INVOKE_DEFAULT", filepath=self.filepath, **given)
        except RuntimeError as error:  # what it reported, as every call of an operator raises it
            self.report({"ERROR"}, said(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class FACEWRIGHT_OT_drop_weights(Explained, bpy.types.Operator):
    """Read this weights file onto the face under the pointer as a take"""

    bl_idname = "facewright.drop_weights"
    bl_label = "Import Weights"

    filepath: _filepath()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        under = mesh_under(context, (float(event.mouse_region_x), float(event.mouse_region_y)))
        run: Any = bpy.ops.facewright.import_weights
        try:
            run("INVOKE_DEFAULT", filepath=self.filepath, object=under.name if under else "")
        except RuntimeError as error:
            self.report({"ERROR"}, said(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class FACEWRIGHT_FH_weights(bpy.types.FileHandler):
    """Weights files that are dropped on a face; USD has a handler of Blender's own"""

    bl_idname = "FACEWRIGHT_FH_weights"
    bl_label = "Facewright Weights"
    bl_import_operator = "facewright.drop_weights"
    bl_file_extensions = ".json;.csv"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only the 3D viewport."""
        area, region = context.area, context.region
        return bool(area and area.type == "VIEW_3D" and region and region.type == "WINDOW")


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_import_weights,
        FACEWRIGHT_OT_choose_weights,
        FACEWRIGHT_OT_drop_weights,
        FACEWRIGHT_FH_weights,
    )
)
