# SPDX-License-Identifier: GPL-3.0-or-later
"""The waveform strip as one viewport shows it now: what drawing and pointer both go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.strip import Part, Rect, Span, Strip, free_box, part_at, strip_in, zoomed
from .chosen import voice_missing
from .voice_time import VoiceTime, playhead, voice_time
from .voices import Known, known, redraw

__all__ = ["Look", "View", "is_over", "look_at", "part_under", "redraw", "view"]


@dataclass
class Look:
    """What no file keeps: the part of each voice that is looked at, and what the pointer is over.

    ``spans`` (seconds) go by player and the voice's length, so that another voice is seen whole.
    """

    spans: dict[tuple[str, float], Span]
    hovered: Part = "NONE"


LOOK = Look({})


@dataclass(frozen=True)
class View:
    """A strip with what it shows. ``time`` is None while the voice is not known: nothing of the
    strip can be used then."""

    strip: Strip
    known: Known
    time: VoiceTime | None
    playhead_s: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the strip shows a voice."""
        return self.time is not None and self.time.duration_s is not None


def view(context: bpy.types.Context) -> View | None:
    """The strip of the context's viewport; None where none is shown."""
    scene: Any = context.scene
    chosen: Any = scene.facewright if scene else None
    player = chosen.player_of(chosen.pipeline) if chosen else None
    if player is None or voice_missing(player) or not player.show_strip or not _has_place(context):
        return None
    what = known(scene, player)
    time = None
    if what.facts is not None:
        try:
            time = voice_time(scene, player)
        except UserError:  # the voice has just gone; it is looked at again soon
            return None
    duration_s = time.duration_s if time and time.duration_s else 1.0
    span = LOOK.spans.get((player.id, duration_s), (0.0, duration_s))
    strip = strip_in(_free(context), _scale(context), span)
    if strip is None:
        return None
    return View(strip, what, time, time.seconds_of(playhead(scene)) if time else 0.0)


def part_under(context: bpy.types.Context, x: float, y: float) -> Part:
    """What of the strip lies below a pixel of the context's viewport; "NONE" beside it."""
    seen = view(context)
    if seen is None or seen.time is None or seen.time.end_s is None:
        return "NONE"
    return part_at(seen.strip, x, y, seen.time.start_s, seen.time.end_s)


def is_over(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether the pointer is over the strip."""
    return part_under(context, event.mouse_region_x, event.mouse_region_y) != "NONE"


def look_at(context: bpy.types.Context, x: float, factor: float, shift: float = 0.0) -> None:
    """Look at more or less of the voice about a pixel, or ``shift`` of what is seen further on."""
    seen = view(context)
    chosen: Any = context.scene.facewright
    player = chosen.player_of(chosen.pipeline)
    if seen is None or seen.time is None or not seen.time.duration_s:
        return
    axis, duration_s = seen.strip.axis, seen.time.duration_s
    moved = shift * (axis.last_s - axis.first_s)
    span = (axis.first_s + moved, axis.last_s + moved)
    LOOK.spans[player.id, duration_s] = zoomed(span, duration_s, axis.seconds_at(x) + moved, factor)
    redraw()


def _has_place(context: bpy.types.Context) -> bool:
    """Whether this is a 3D viewport with gizmos; of four views at once the lowest left one."""
    area, region = context.area, context.region
    if area is None or region is None or area.type != "VIEW_3D" or region.type != "WINDOW":
        return False
    space: Any = area.spaces.active
    if not space.show_gizmo:
        return False
    windows = [each for each in area.regions if each.type == "WINDOW" and each.width > 1]
    return min(windows, key=lambda each: (each.y, each.x)) == region


def _free(context: bpy.types.Context) -> Rect:
    region = context.region
    others = [each for each in context.area.regions if each.type not in {"WINDOW", "HUD"}]
    return free_box(_rect(region), [_rect(each) for each in others])


def _rect(region: bpy.types.Region) -> Rect:
    return Rect(region.x, region.y, region.width, region.height)


def _scale(context: bpy.types.Context) -> float:
    return float(context.preferences.system.ui_scale)


def register() -> None:
    unregister()


def unregister() -> None:
    LOOK.spans.clear()
    LOOK.hovered = "NONE"
