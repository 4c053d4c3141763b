# SPDX-License-Identifier: GPL-3.0-or-later
"""Every difference between Blender 4.2 and 5.2 that Facewright meets, as named answers.

No other module compares ``bpy.app.version``.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import bpy

BLENDER: tuple[int, int, int] = tuple(bpy.app.version)

# Actions have layers and slots, one slot per animated data-block.
HAS_ACTION_SLOTS = BLENDER >= (4, 4, 0)
# The sequencer may show another scene than the one being animated.
HAS_SEQUENCER_SCENE = BLENDER >= (5, 0, 0)
# Strips name their times left_handle, content_start, ...; the frame_* names go away in 6.0.
HAS_STRIP_HANDLES = BLENDER >= (5, 2, 0)
# SequenceEditor.strips; `sequences` before.
HAS_STRIPS_LIST = BLENDER >= (4, 4, 0)
# Blender hands out its bundled Python modules (pxr among them) on request.
HAS_BUNDLED_MODULES = BLENDER >= (4, 4, 0)


def new_action(name: str, id_type: str) -> bpy.types.Action:
    """An empty action; before slots it serves data-blocks of one type only."""
    action = bpy.data.actions.new(name)
    if not HAS_ACTION_SLOTS:
        action.id_root = id_type
    return action


def add_slot(action: bpy.types.Action, id_type: str, name: str) -> int:
    """Make room in an action for one data-block's curves; the number finds them again."""
    if not HAS_ACTION_SLOTS:
        return 0
    slot = action.slots.new(id_type=id_type, name=name)
    _add_bag(action, slot)
    return int(slot.handle)


def _add_bag(action: bpy.types.Action, slot: Any) -> None:
    if not action.layers:
        action.layers.new("Layer")
    if not action.layers[0].strips:
        action.layers[0].strips.new(type="KEYFRAME")
    action.layers[0].strips[0].channelbag(slot, ensure=True)


def curve_bag(action: bpy.types.Action, handle: int) -> Any:
    """What holds the ``fcurves`` and ``groups`` of one slot; None when there is nothing yet."""
    if not HAS_ACTION_SLOTS:
        return action
    for slot in action.slots:
        if slot.handle == handle and action.layers and action.layers[0].strips:
            return action.layers[0].strips[0].channelbag(slot)
    return None


def slot_curves(action: bpy.types.Action, handle: int) -> Any:
    """The curves of one slot: a collection with ``new``, or an empty tuple."""
    bag = curve_bag(action, handle)
    return bag.fcurves if bag else ()


def ensure_bag(owner: Any, name: str) -> Any:
    """What holds the curves of a data-block's own action; the action is made when it has none."""
    data = owner.animation_data or owner.animation_data_create()
    handle = assigned_slot(data)
    if data.action is None or (HAS_ACTION_SLOTS and not handle):
        action = data.action or new_action(name, owner.id_type)
        handle = add_slot(action, owner.id_type, owner.name)
        assign_action(owner, action, handle)
    elif HAS_ACTION_SLOTS and curve_bag(data.action, handle) is None:
        _add_bag(data.action, data.action_slot)
    return curve_bag(data.action, handle)


def assigned_slot(data: bpy.types.AnimData | bpy.types.NlaStrip) -> int:
    """The number of the slot that animates a data-block, or that a strip plays; 0 for none."""
    return int(data.action_slot_handle) if HAS_ACTION_SLOTS else 0


def assign_action(owner: Any, action: bpy.types.Action | None, handle: int) -> None:
    """Let an action's slot animate a data-block."""
    data = owner.animation_data or owner.animation_data_create()
    data.action = action
    if HAS_ACTION_SLOTS and action is not None:
        slots = [slot for slot in action.slots if slot.handle == handle]
        data.action_slot = slots[0] if slots else None


def set_strip_slot(strip: Any, action: bpy.types.Action, handle: int) -> None:
    """Let a strip of the NLA play one slot of its action."""
    if HAS_ACTION_SLOTS:
        strip.action_slot = next((slot for slot in action.slots if slot.handle == handle), None)


def has_sound() -> bool:
    """Whether this Blender was built with audio; the 4.2 module is not."""
    return bool(bpy.app.build_options.audaspace)


def has_usd() -> bool:
    """Whether this Blender was built with USD; distributions sometimes leave it out."""
    return bool(bpy.app.build_options.usd)


def eevee_engine() -> str:
    return "BLENDER_EEVEE" if BLENDER >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def sequencer_strips(editor: bpy.types.SequenceEditor) -> Any:
    """The editor's top-level strips, with ``new_sound`` and ``remove``."""
    return editor.strips if HAS_STRIPS_LIST else getattr(editor, "sequences")  # noqa: B009


def all_strips_name() -> str:
    """The property that lists every strip, also those inside meta strips."""
    return "strips_all" if HAS_STRIPS_LIST else "sequences_all"


def all_strips(editor: bpy.types.SequenceEditor) -> Iterable[Any]:
    return getattr(editor, all_strips_name())


@dataclass(frozen=True)
class StripTimes:
    """A strip's place in frames; skips are what its handles and trims cut off its content.

    ``sound_offset_s`` delays the sound inside the content.
    """

    start: int
    duration: int
    skip_left: float
    skip_right: float
    sound_offset_s: float

    @property
    def end(self) -> int:
        return self.start + self.duration


def strip_times(strip: Any) -> StripTimes:
    if HAS_STRIP_HANDLES:
        return StripTimes(
            start=int(strip.left_handle),
            duration=int(strip.right_handle - strip.left_handle),
            skip_left=float(strip.left_handle_offset + strip.content_trim_start),
            skip_right=float(strip.right_handle_offset + strip.content_trim_end),
            sound_offset_s=float(strip.sound_offset),
        )
    return StripTimes(
        start=int(strip.frame_final_start),
        duration=int(strip.frame_final_duration),
        skip_left=float(strip.frame_offset_start + strip.animation_offset_start),
        skip_right=float(strip.frame_offset_end + strip.animation_offset_end),
        sound_offset_s=float(getattr(strip, "sound_offset", 0.0)),
    )


def strip_is_retimed(strip: Any) -> bool:
    """Whether the strip may play faster or slower than its sound."""
    return len(getattr(strip, "retiming_keys", ())) > 0


def show_in_sequencer(scene: bpy.types.Scene) -> None:
    """Let sequencer editors that show no scene show this one (5.0 on; always so before)."""
    if not HAS_SEQUENCER_SCENE:
        return
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            workspace: Any = window.workspace
            if window.scene == scene and workspace.sequencer_scene is None:
                workspace.sequencer_scene = scene


def usd_texture_options() -> dict[str, Any]:
    """Settings of the USD exporter that leave texture files where they are."""
    if "export_textures_mode" in bpy.ops.wm.usd_export.get_rna_type().properties:
        return {"export_textures_mode": "KEEP"}
    return {"export_textures": False}


def usd_module() -> Any | None:
    """Blender's own ``pxr.Usd``, or None where it ships without."""
    if not HAS_BUNDLED_MODULES:
        return None
    try:
        getattr(bpy.utils, "expose_bundled_modules")()  # noqa: B009
        return importlib.import_module("pxr.Usd")
    except (AttributeError, ImportError):
        return None


def session_uid(data_block: bpy.types.ID) -> int:
    """The number of a data-block in this session: kept by undo and rename, new after a load."""
    return int(data_block.session_uid)


def description() -> dict[str, str]:
    """What a report needs to know of the program it happened in."""
    return {
        "blender": bpy.app.version_string,
        "build": f"{bpy.app.build_hash!r} {bpy.app.build_platform!r}",
        "python": platform.python_version(),
        "system": platform.platform(),
        "background": str(bpy.app.background),
    }


def node_tree(owner: Any) -> Any:
    """The nodes of a material or world; from 5.0 on they always have some."""
    if BLENDER < (5, 0, 0):
        owner.use_nodes = True
    return owner.node_tree


def modifier_input(modifier: Any, name: str) -> tuple[Any, str]:
    """Where a Geometry Nodes modifier keeps the value of an input of its group: what holds it, and
    the path from there, as panels draw it. Raises KeyError for an input that the group lacks."""
    for item in modifier.node_group.interface.items_tree:
        if item.item_type == "SOCKET" and item.in_out == "INPUT" and item.name == name:
            if BLENDER >= (5, 2, 0):
                return getattr(modifier.properties.inputs, item.identifier), "value"
            return modifier, f'["{item.identifier}"]'
    raise KeyError(name)


def get_input(modifier: Any, name: str) -> Any:
    """The value of an input of a Geometry Nodes modifier. Raises KeyError."""
    owner, path = modifier_input(modifier, name)
    return getattr(owner, path) if path == "value" else owner[path[2:-2]]


def set_input(modifier: Any, name: str, value: Any) -> None:
    """Give an input of a Geometry Nodes modifier a value. Raises KeyError."""
    owner, path = modifier_input(modifier, name)
    if path == "value":
        setattr(owner, path, value)
    else:
        owner[path[2:-2]] = value
