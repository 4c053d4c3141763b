# SPDX-License-Identifier: GPL-3.0-or-later
"""Animate: one function for button, command line and Python, and the two operators.

    from bl_ext.user_default.facewright.operators.animate import animate_object
    result = animate_object(bpy.context, bpy.data.objects["Face"], "//line.wav")

In a window the button runs it in short steps; everywhere else it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ..core.errors import UserError
from ..properties.progress import STATE
from ..scene.characters import find_character
from .chosen import named_pipeline, pipeline_problem, request_of
from .explained import Explained
from .rendering import PATIENCE, refuse_while_rendering, rendering
from .running import Running

if TYPE_CHECKING:
    from fractions import Fraction

    from ..core.emotion.source import EmotionSource
    from ..scene.exports import Exported
    from ..scene.sounds import VoiceSource
    from .animation_job import Result, Steps


def animate_object(
    context: bpy.types.Context,
    obj: bpy.types.Object | None,
    voice: str | bpy.types.Sound | VoiceSource,
    *,
    channel: int | None = None,
    fps: str | float | Fraction | None = None,
    start_frame: float | None = None,
    settings: Mapping[str, Any] | None = None,
    model: str = "",
    identity: str = "",
    emotion: EmotionSource | None = None,
    rigs: Mapping[str, Any] | None = None,
    device: str = "",
    threads: int = 0,
    place_sound: bool = True,
    head_target: bpy.types.Object | None = None,
    head_bone: str = "",
    accept_licence: bool = False,
    output: str = "SHAPE_KEYS",
    outputs: Sequence[str] = (),
    progress: Callable[[float, str], None] | None = None,
) -> Result:
    """Animate a face from a voice and wait for it.

    ``voice`` is a path, a Sound or a VoiceSource (which can be a strip); ``channel`` is 0-based,
    None mixes all. ``fps`` None takes the scene's, ``start_frame`` None the strip's or the
    scene's first. ``settings`` go by the names of ``core.parameters``; ``model`` "" is the
    built-in one, ``identity`` "" its first. ``emotion`` says where emotion comes from; ``rigs``
    overrides poses of the solver; ``device`` is a name of ``core.network.devices``, "" the
    best here.
    ``head_target`` is the object that head motion turns (an armature with its ``head_bone``), None
    the built-in head itself; the parameter ``head_motion`` switches it on.
    ``accept_licence`` accepts the terms of the models used. ``output`` is what the face moves by:
    "SHAPE_KEYS", "VERTICES" (the network's full geometry through a Mesh Cache modifier, which needs
    a mesh of its topology but no shape keys) or "BOTH". ``outputs`` are files to save, told apart
    by their endings.
    Raises UserError with one clear sentence; the scene is then as it was.
    """
    # Here and below: what only a job needs is imported by the first job, not with the extension.
    from ..scene.exports import check_outputs, save
    from ..scene.parts import parts_of
    from ..scene.rates import parse_rate
    from ..scene.sounds import VoiceSource
    from .animation_job import animation_steps, make_request
    from .asking import wait_for

    refuse_while_rendering()
    if isinstance(voice, bpy.types.Sound):
        voice = VoiceSource("SOUND", voice.name, channel)
    elif not isinstance(voice, VoiceSource):
        voice = VoiceSource("FILE", str(voice), channel)
    paths = check_outputs(outputs)
    request = make_request(
        context.scene,
        [parts_of(obj, head_target, head_bone, keyless=output == "VERTICES")],
        voice,
        fps=None if fps is None else parse_rate(fps),
        start_frame=start_frame,
        settings=dict(settings or {}),
        model=model,
        identity=identity,
        emotion=emotion,
        rigs=dict(rigs or {}),
        device=device,
        threads=threads,
        place_sound=place_sound,
        accept_licence=accept_licence,
        output=output,
    )
    result = wait_for(animation_steps(request), progress)
    notices = list(result.notices)
    for path in paths:
        notices += save(path, content_of(context.scene, result))
    return replace(result, notices=tuple(notices))


def content_of(scene: bpy.types.Scene, result: Result) -> Exported:
    """What of a scene is saved after Animate."""
    from ..scene.exports import Exported

    members = (bpy.data.objects.get(name) for name in result.members)
    return Exported(
        scene=scene,
        objects=tuple(obj for obj in members if obj is not None),
        first_frame=int(result.written.first_frame // 1),
        last_frame=int(-(-result.written.last_frame // 1)),
        face=result.face,
        voice_path=result.voice_path,
    )


@dataclass(frozen=True)
class FaceStatus:
    """What panels say of the chosen face: a problem, or which poses and keys find no partner."""

    problem: str = ""
    missing: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()


def face_status(obj: bpy.types.Object | None) -> FaceStatus:
    try:
        character = find_character(obj)
    except UserError as error:
        return FaceStatus(problem=error.message)
    return FaceStatus(missing=character.missing, unmatched=character.unmatched)


class FACEWRIGHT_OT_animate(Running, bpy.types.Operator):
    """Animate the characters of the shown pipeline from its player's voice"""

    bl_idname = "facewright.animate"
    bl_label = "Animate"
    # Not REGISTER: to adjust the last operation would do all of it again and freeze the window.
    bl_options = {"UNDO"}

    pipeline: StringProperty(
        name="Pipeline",
        description="Name of the pipeline; empty is the one that the panels show",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why Animate is greyed; empty when it can run."""
        if STATE.running:
            return "A face is being animated already"
        if rendering():
            return PATIENCE
        chosen: Any = context.scene.facewright
        return pipeline_problem(context.scene, chosen.pipeline)

    def steps(self, context: bpy.types.Context) -> Steps:
        from .animation_job import animation_steps

        return animation_steps(request_of(context.scene, named_pipeline(context, self.pipeline)))

    def tell(self, result: Result) -> None:
        notices = (*result.notices, *result.remarks)
        STATE.end(result.sentence, "done", notices)
        self.report({"INFO"}, " ".join((f"{result.sentence}.", *result.remarks)))
        for notice in result.notices:
            self.report({"WARNING"}, notice)


class FACEWRIGHT_OT_cancel(Explained, bpy.types.Operator):
    """Stop animating and leave the scene as it was"""

    bl_idname = "facewright.cancel"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if STATE.running else "Nothing is being animated"

    def execute(self, context: bpy.types.Context) -> set[str]:
        STATE.cancel = True
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_animate, FACEWRIGHT_OT_cancel)
)
