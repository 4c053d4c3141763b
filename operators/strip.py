# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointer and keys over the waveform strip: scrub, drag the range's ends, zoom, and the player's
hot keys.

All of them are items of the keymap "3D View", where the user can change them; each passes on
what does not happen over the strip. An invisible gizmo lies over the strip: over a gizmo Blender
goes through the gizmo's keymap first, and this one's is "3D View", so that the keymaps of tools
and modes (where P, L and [ mean something else) come after it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import bpy
from bpy.props import EnumProperty

from ..core.errors import UserError
from . import hearing, strip_view
from .player import set_end, set_start
from .voice_time import voice_time

KEYMAP = {"name": "3D View", "space_type": "VIEW_3D"}
KEYS = (
    ("facewright.play", "P"),
    ("facewright.return_to_start", "R"),
    ("facewright.loop", "L"),
    ("facewright.range_start_here", "LEFT_BRACKET"),
    ("facewright.range_end_here", "RIGHT_BRACKET"),
)
WHEEL = (
    ("WHEELUPMOUSE", False, "IN"),
    ("WHEELDOWNMOUSE", False, "OUT"),
    ("WHEELUPMOUSE", True, "LEFT"),
    ("WHEELDOWNMOUSE", True, "RIGHT"),
)
ZOOM, SHIFT = 1.25, 0.15
SCRUB_HELP = "Drag: Scrub    Release: Stay    Esc, Right Click: Back"
RANGE_HELP = "Drag: Move the End of the Range    Release: Confirm    Esc, Right Click: Cancel"


class FACEWRIGHT_GT_strip(bpy.types.Gizmo):
    """Knows whether the pointer is over the strip; the strip itself is drawn by its panel"""

    bl_idname = "FACEWRIGHT_GT_strip"

    def draw(self, context: bpy.types.Context) -> None:
        """Nothing: the strip is no part of the gizmos' own drawing."""

    def test_select(self, context: bpy.types.Context, location: Any) -> int:
        part = strip_view.part_under(context, *location)
        if part != strip_view.LOOK.hovered:
            strip_view.LOOK.hovered = part
            context.region.tag_redraw()
        return -1 if part == "NONE" else 0


class FACEWRIGHT_GGT_strip(bpy.types.GizmoGroup):
    """The waveform strip"""

    bl_idname = "FACEWRIGHT_GGT_strip"
    bl_label = "Facewright Waveform"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        chosen: Any = context.scene.facewright
        player = chosen.player_of(chosen.pipeline)
        return player is not None and player.show_strip

    @classmethod
    def setup_keymap(cls, keyconfig: bpy.types.KeyConfig) -> bpy.types.KeyMap:
        return keyconfig.keymaps.new(**KEYMAP)

    def setup(self, context: bpy.types.Context) -> None:
        self.gizmos.new(FACEWRIGHT_GT_strip.bl_idname)


class _Drag:
    """A drag over the strip, from the press of the button to its release."""

    help_text = ""
    cursor = "SCROLL_X"

    def begin(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take hold of the pointer."""
        context.window.cursor_modal_set(self.cursor)
        context.workspace.status_text_set(self.help_text)
        self.move(context, event)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self.restore(context)
            return self.finish(context, {"CANCELLED"})
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self.finish(context, {"FINISHED"})
        if event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            self.move(context, event)
        return {"RUNNING_MODAL"}

    def finish(self, context: bpy.types.Context, outcome: set[str]) -> set[str]:
        """Let go of the pointer."""
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        strip_view.redraw()
        return outcome

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator, for instance because a file is loaded."""
        self.finish(context, set())

    def seconds(self, context: bpy.types.Context, event: bpy.types.Event) -> float | None:
        """The time of the voice below the pointer, kept within the strip."""
        seen = strip_view.view(context)
        if seen is None or seen.time is None:
            return None
        axis = seen.strip.axis
        return axis.seconds_at(min(max(event.mouse_region_x, axis.left), axis.left + axis.width))

    def move(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        """Follow the pointer."""

    def restore(self, context: bpy.types.Context) -> None:
        """Set back what the drag has changed."""


class FACEWRIGHT_OT_scrub(_Drag, bpy.types.Operator):
    """Go to the time below the pointer and, while the button is held, follow it with sound"""

    bl_idname = "facewright.scrub"
    bl_label = "Scrub Waveform"
    bl_options = {"UNDO_GROUPED", "INTERNAL"}
    bl_undo_group = "Frame Change"
    help_text = SCRUB_HELP

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if _part(context, event) != "BODY":
            return {"PASS_THROUGH"}
        self._frame = context.scene.frame_current
        with suppress(UserError):  # a voice that Blender cannot play is scrubbed in silence
            hearing.ensure(context.scene, _player(context))
        return self.begin(context, event)

    def move(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        seconds = self.seconds(context, event)
        if seconds is not None:
            frame = round(voice_time(context.scene, _player(context)).frame_of(seconds))
            if frame != context.scene.frame_current:
                context.scene.frame_current = frame

    def restore(self, context: bpy.types.Context) -> None:
        context.scene.frame_current = self._frame


class FACEWRIGHT_OT_drag_range(_Drag, bpy.types.Operator):
    """Move the end of the range that is below the pointer"""

    bl_idname = "facewright.drag_range"
    bl_label = "Drag Range"
    bl_options = {"UNDO", "INTERNAL"}
    help_text = RANGE_HELP
    cursor = "MOVE_X"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._part = _part(context, event)
        if self._part not in ("START", "END"):
            return {"PASS_THROUGH"}
        player = _player(context)
        self._range = (player.range_start, player.range_end)
        return self.begin(context, event)

    def move(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        seconds, player = self.seconds(context, event), _player(context)
        if seconds is None:
            return
        time = voice_time(context.scene, player)
        frame_s = 1.0 / time.rate
        if self._part == "START":
            latest = (time.end_s if time.end_s is not None else seconds) - frame_s
            set_start(player, time, min(seconds, latest))
        else:
            set_end(player, time, max(seconds, time.start_s + frame_s))

    def restore(self, context: bpy.types.Context) -> None:
        player = _player(context)
        if player is not None:
            player.range_start, player.range_end = self._range


class FACEWRIGHT_OT_look_at_waveform(bpy.types.Operator):
    """See more or less of the waveform, or an earlier or later part of it"""

    bl_idname = "facewright.look_at_waveform"
    bl_label = "Look at Waveform"
    bl_options = {"INTERNAL"}

    way: EnumProperty(
        name="Way",
        description="What to see",
        items=(
            ("IN", "Closer", "Less of the voice, larger"),
            ("OUT", "Farther", "More of the voice, smaller"),
            ("LEFT", "Earlier", "An earlier part"),
            ("RIGHT", "Later", "A later part"),
        ),
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not strip_view.is_over(context, event):
            return {"PASS_THROUGH"}
        factor = {"IN": 1 / ZOOM, "OUT": ZOOM}.get(self.way, 1.0)
        shift = {"LEFT": -SHIFT, "RIGHT": SHIFT}.get(self.way, 0.0)
        strip_view.look_at(context, event.mouse_region_x, factor, shift)
        return {"FINISHED"}


def _part(context: bpy.types.Context, event: bpy.types.Event) -> str:
    return strip_view.part_under(context, event.mouse_region_x, event.mouse_region_y)


def _player(context: bpy.types.Context) -> Any:
    chosen: Any = context.scene.facewright
    return chosen.player_of(chosen.pipeline)


# ---- keys ----------------------------------------------------------------------------------------

_items: list[tuple[Any, Any]] = []


def _add_keys() -> None:
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    keymap = config.keymaps.new(**KEYMAP)

    def add(operator: str, key: str, **held: bool) -> Any:
        item = keymap.keymap_items.new(operator, key, "PRESS", **held)
        _items.append((keymap, item))
        return item.properties

    for operator, key in KEYS:
        add(operator, key).at_pointer = True
    for operator in ("facewright.scrub", "facewright.drag_range"):
        add(operator, "LEFTMOUSE")
    for key, ctrl, way in WHEEL:
        add("facewright.look_at_waveform", key, ctrl=ctrl).way = way


def _remove_keys() -> None:
    for keymap, item in _items:
        keymap.keymap_items.remove(item)
    _items.clear()


_CLASSES = (
    FACEWRIGHT_OT_scrub,
    FACEWRIGHT_OT_drag_range,
    FACEWRIGHT_OT_look_at_waveform,
    FACEWRIGHT_GT_strip,
    FACEWRIGHT_GGT_strip,
)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    _add_keys()


def unregister() -> None:
    _remove_keys()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
