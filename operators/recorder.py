# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder's buttons: record, mute, name, save, throw away, look for microphones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.voice.names import checked_name, free_path
from ..properties.library import preferences
from ..properties.microphones import MICROPHONES
from ..properties.progress import STATE
from ..scene.places import recordings_folder
from ..scene.references import reference
from . import microphones
from .chosen import scene_problem
from .explained import Explained
from .faults import attempt
from .keeping import NOTHING, Saved, save_steps
from .listening import RECORDER, Heard, Plan
from .rendering import PATIENCE, rendering
from .running import Running

NO_PLAYER = "Choose a player first"
ELSEWHERE = "The microphone is used by another player"
BUSY = "Wait until the face is animated"


def player_here(context: bpy.types.Context) -> Any:
    """The player whose recorder is shown; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.player_of(chosen.pipeline)


def heard_here(context: bpy.types.Context) -> Heard | None:
    """What was heard for the shown player and is still there."""
    player, heard = player_here(context), RECORDER.heard
    return heard if heard is not None and player and heard.player_id == player.id else None


def start_problem(context: bpy.types.Context) -> str:
    """Why nothing can be listened to, as one phrase; empty when it can."""
    player = player_here(context)
    if player is None:
        return NO_PLAYER
    if scene_problem(context.scene):
        return scene_problem(context.scene)
    running = RECORDER.running
    if running is not None:
        if running.plan.player_id != player.id:
            return ELSEWHERE
        return "Ending" if running.ending else ""
    if MICROPHONES.known and not MICROPHONES.names:
        return "There is no microphone; connect one and look again"
    if MICROPHONES.absent(player.recorder.microphone):
        return f"'{player.recorder.microphone}' is not connected"
    return PATIENCE if rendering() else ""


def keep_problem(context: bpy.types.Context) -> str:
    """Why what was heard cannot be made a voice now, as one phrase; empty when it can."""
    if STATE.running:
        return BUSY
    return PATIENCE if rendering() else end_problem(context)


def end_problem(context: bpy.types.Context) -> str:
    """Why what was heard cannot be kept or thrown away, as one phrase; empty when it can."""
    player, running = player_here(context), RECORDER.running
    if player is None:
        return NO_PLAYER
    if running is not None:
        return "" if running.plan.player_id == player.id else ELSEWHERE
    return "" if heard_here(context) is not None else NOTHING


class FACEWRIGHT_OT_record(Explained, bpy.types.Operator):
    """Record the microphone, or end that; a recording that was not saved is replaced"""

    bl_idname = "facewright.record"
    bl_label = "Record"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        problem = start_problem(context)
        if not problem and RECORDER.running is not None and RECORDER.running.plan.orders:
            return "Live mode records already"
        return problem

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: _record(context))


def _record(context: bpy.types.Context) -> None:
    if RECORDER.running is not None:
        RECORDER.running.end()
        return
    player, general = player_here(context), preferences()
    RECORDER.start(
        Plan(
            reference(context.scene),
            player.id,
            player.recorder.microphone,
            player.recorder.muted,
            device=getattr(general, "device", ""),
            threads=getattr(general, "threads", 0),
        )
    )


class FACEWRIGHT_OT_recorder_mute(Explained, bpy.types.Operator):
    """Keep the microphone's sound from the network and the recording, or let it through again"""

    bl_idname = "facewright.recorder_mute"
    bl_label = "Mute"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if player_here(context) else NO_PLAYER

    def execute(self, context: bpy.types.Context) -> set[str]:
        recorder = player_here(context).recorder
        recorder.muted = not recorder.muted
        return {"FINISHED"}


class FACEWRIGHT_OT_recorder_new(Explained, bpy.types.Operator):
    """Give the next recording the typed name, or the next number of it that no file has"""

    bl_idname = "facewright.recorder_new"
    bl_label = "New"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if player_here(context) else NO_PLAYER

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: _new_name(player_here(context)))


def _new_name(player: Any) -> None:
    folder, _named = recordings_folder(player.track_root)
    if not os.path.isdir(folder):
        raise UserError(f"The folder {folder} does not exist.", "Choose another track root.")
    stem = checked_name(player.recorder.take_name or "Recording")
    player.recorder.take_name = free_path(Path(folder), stem).stem
    heard = RECORDER.heard
    if RECORDER.running is None and heard is not None and heard.saved:
        RECORDER.clear()


class FACEWRIGHT_OT_recorder_save(Running, bpy.types.Operator):
    """Write what was recorded as a wav, which becomes the player's voice"""

    bl_idname = "facewright.recorder_save"
    bl_label = "Save"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heard = heard_here(context)
        if RECORDER.running is None and heard is not None and heard.saved:
            return "It is saved already"
        return keep_problem(context)

    def steps(self, context: bpy.types.Context) -> Any:
        player = player_here(context)
        return save_steps(context.scene, player.id, player.recorder.rate)

    def tell(self, result: Saved) -> None:
        text = f"Saved {result.path.name}, {result.seconds:.1f} s"
        STATE.end(text, "done")
        self.report({"INFO"}, f"Saved {result.path}.")


class FACEWRIGHT_OT_recorder_discard(Explained, bpy.types.Operator):
    """End the recording if it runs, and throw away what was recorded; saved files stay"""

    bl_idname = "facewright.recorder_discard"
    bl_label = "Discard"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return BUSY if STATE.running else end_problem(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if RECORDER.running is not None:
            RECORDER.running.end(discard=True)
        else:
            RECORDER.clear()
        return {"FINISHED"}


class FACEWRIGHT_OT_microphones_refresh(Explained, bpy.types.Operator):
    """Look again which microphones there are"""

    bl_idname = "facewright.microphones_refresh"
    bl_label = "Look for Microphones"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "The microphone is on" if RECORDER.running is not None else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        microphones.look()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_record,
        FACEWRIGHT_OT_recorder_mute,
        FACEWRIGHT_OT_recorder_new,
        FACEWRIGHT_OT_recorder_save,
        FACEWRIGHT_OT_recorder_discard,
        FACEWRIGHT_OT_microphones_refresh,
    )
)
