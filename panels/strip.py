# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the waveform strip at the bottom of the 3D viewport: drawing only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..core.strip import Axis, Rect, Strip, band, clock, columns, curve, ticks
from ..operators.emotion_row import EmotionRow, emotion_row, name_of
from ..operators.strip_view import LOOK, View, view
from ..operators.voice_time import VoiceTime
from . import strip_colours as colours
from .strip_colours import Colour
from .texts import translated

FONT = 0
TEXT_SIZE = 11.0
TICK_ROOM = 70.0  # pixels between two times of the ruler
KEY_SIZE = 3.5
DRAWN = 8  # waveforms that are kept

_wave_batches: dict[tuple[Any, ...], Any] = {}


def draw() -> None:
    """Draw the strip of the viewport that Blender draws just now."""
    context = bpy.context
    seen = view(context)
    if seen is None:
        return
    brush = Brush(seen.strip.scale, colours.palette(context))
    gpu.state.blend_set("ALPHA")
    try:
        _draw(brush, context, seen)
    finally:
        gpu.state.blend_set("NONE")
        gpu.state.line_width_set(1.0)


@dataclass(frozen=True)
class Brush:
    """Draws simple shapes; ``scale`` is that of the interface."""

    scale: float
    palette: colours.Palette

    def box(self, rect: Rect, colour: Colour) -> None:
        """A filled box."""
        corners = [
            (rect.x, rect.y),
            (rect.right, rect.y),
            (rect.x, rect.top),
            (rect.right, rect.top),
        ]
        self.shape("TRI_STRIP", corners, colour)

    def line(self, x: float, y: float, height: float, colour: Colour, width: float = 1.0) -> None:
        """An upright line, sharp whatever the scale is."""
        thick = max(1.0, round(width * self.scale))
        self.box(Rect(round(x - thick / 2), y, thick, height), colour)

    def shape(self, kind: str, points: Any, colour: Colour) -> None:
        """Any shape of one colour."""
        self.batch(self.made(kind, points), colour)

    def made(self, kind: str, points: Any) -> Any:
        """A shape that can be drawn again and again."""
        return batch_for_shader(_shader(), kind, {"pos": points})

    def batch(self, batch: Any, colour: Colour) -> None:
        """Draw what ``made`` has made."""
        shader = _shader()
        shader.bind()
        shader.uniform_float("color", colour)
        batch.draw(shader)

    def text(self, text: str, x: float, y: float, colour: Colour, align: str = "LEFT") -> float:
        """One line of text; returns its width in pixels."""
        blf.size(FONT, TEXT_SIZE * self.scale)
        width: float = blf.dimensions(FONT, text)[0]
        left = {"LEFT": x, "CENTER": x - width / 2, "RIGHT": x - width}[align]
        blf.position(FONT, round(left), round(y), 0.0)
        blf.color(FONT, *colour)
        blf.draw(FONT, text)
        return width

    def diamond(self, x: float, y: float, size: float, colour: Colour) -> None:
        """A key, as Blender's timelines draw it."""
        points = [(x - size, y), (x, y - size), (x, y + size), (x + size, y)]
        self.shape("TRI_STRIP", points, colour)


def _shader() -> Any:
    return gpu.shader.from_builtin("UNIFORM_COLOR")


def _draw(brush: Brush, context: bpy.types.Context, seen: View) -> None:
    strip, palette = seen.strip, brush.palette
    edge = brush.scale
    box = strip.box
    outer = Rect(box.x - edge, box.y - edge, box.width + 2 * edge, box.height + 2 * edge)
    brush.box(outer, palette.outline)
    brush.box(box, palette.back)
    brush.box(strip.wave, palette.well)
    brush.box(strip.emotion, palette.shade)
    if seen.time is None or seen.time.end_s is None:
        said = seen.known.problem or translated("Reading the voice ...")
        _message(brush, strip, said)
        _title(brush, context, seen, "")
        return
    _wave(brush, seen, seen.time)
    row = emotion_row(context.scene, strip.axis, seen.time)
    _emotion(brush, strip, row)
    _ruler(brush, strip)
    _range(brush, strip, seen.time)
    _playhead(brush, strip, seen.playhead_s)
    duration_s = seen.time.duration_s or 0.0
    times = f"{clock(seen.playhead_s)} / {clock(duration_s)}"
    x = _title(brush, context, seen, times)
    _emotion_names(brush, strip, row, x)


def _message(brush: Brush, strip: Strip, text: str) -> None:
    middle = strip.wave.y + strip.wave.height / 2 - 4 * brush.scale
    brush.text(text, strip.wave.x + strip.wave.width / 2, middle, brush.palette.text, "CENTER")


def _title(brush: Brush, context: bpy.types.Context, seen: View, times: str) -> float:
    """Name of the player, the time, what of the voice is used, and whether it is looped.

    Returns where the name ends."""
    strip, palette = seen.strip, brush.palette
    chosen: Any = context.scene.facewright
    player = chosen.player_of(chosen.pipeline)
    y = strip.title.y + 5 * brush.scale
    name_end = strip.title.x + brush.text(player.name, strip.title.x, y, palette.strong)
    brush.text(times, strip.title.x + strip.title.width / 2, y, palette.strong, "CENTER")
    right = strip.title.right
    colour = palette.active if player.loop else palette.faint
    loop = brush.text(translated("Loop"), right, y, colour, "RIGHT")
    time = seen.time
    if time and time.end_s is not None and (time.start_s, time.end_s) != (0, time.duration_s):
        text = f"{clock(time.start_s)} - {clock(time.end_s)}"
        brush.text(text, right - loop - 14 * brush.scale, y, palette.text, "RIGHT")
    return name_end


def _wave(brush: Brush, seen: View, time: VoiceTime) -> None:
    """The waveform: bright where it is used, dim where not."""
    facts = seen.known.facts
    if facts is None or not facts.duration_s:
        return
    strip, axis, palette = seen.strip, seen.strip.axis, brush.palette
    start, end = axis.clamped_x(time.start_s), axis.clamped_x(time.end_s or 0.0)
    brush.box(Rect(start, strip.wave.y, max(0.0, end - start), strip.wave.height), palette.used)
    key = (seen.known.key, axis, strip.wave, start, end)
    if key not in _wave_batches:
        while len(_wave_batches) >= DRAWN:
            del _wave_batches[next(iter(_wave_batches))]
        _wave_batches[key] = _wave_pieces(brush, strip, facts, (start, end))
    for batch, used in _wave_batches[key]:
        brush.batch(batch, palette.wave if used else palette.unused)


def _wave_pieces(brush: Brush, strip: Strip, facts: Any, used: tuple[float, float]) -> list[Any]:
    """Before, inside and after the range, each with whether it is used."""
    wave, axis = strip.wave, strip.axis
    peak = float(abs(facts.envelope).max())
    pieces = []
    for left, right, inside in (
        (wave.x, used[0], False),
        (used[0], used[1], True),
        (used[1], wave.right, False),
    ):
        count = int(right - left)
        if count < 1:
            continue
        first, last = (axis.seconds_at(x) / facts.duration_s for x in (left, right))
        first, last = max(0.0, first), min(1.0, last)
        values = columns(facts.envelope, count, first, last)
        box = Rect(left, wave.y, right - left, wave.height)
        pieces.append((brush.made("TRI_STRIP", band(values, box, peak)), inside))
    return pieces


def _emotion(brush: Brush, strip: Strip, row: EmotionRow) -> None:
    """Curves of the strongest emotions, and the keys."""
    box, palette = strip.emotion, brush.palette
    inner = Rect(box.x, box.y + 2 * brush.scale, box.width, box.height - 4 * brush.scale)
    for place, values in row.curves:
        points = curve(values, inner)
        brush.shape("LINE_STRIP", points, palette.emotions[place % len(palette.emotions)])
    for seconds in row.keys_s:
        if strip.axis.shows(seconds):
            middle = box.y + box.height / 2
            x = strip.axis.x_of(seconds)
            brush.diamond(x, middle, (KEY_SIZE + 1) * brush.scale, palette.outline)
            brush.diamond(x, middle, KEY_SIZE * brush.scale, palette.key)
    if not row.curves:
        x, y = box.x + 4 * brush.scale, box.y + 6 * brush.scale
        brush.text(translated("Emotion"), x, y, palette.faint)


def _emotion_names(brush: Brush, strip: Strip, row: EmotionRow, x: float) -> None:
    """Which emotion has which colour, between the player's name and the time."""
    y, last = strip.title.y + 5 * brush.scale, strip.title.x + strip.title.width * 0.38
    for place, _values in row.curves:
        x += 12 * brush.scale
        if x + 40 * brush.scale > last:
            return
        colour = brush.palette.emotions[place % len(brush.palette.emotions)]
        x += brush.text(translated(name_of(place)), x, y, colour)


def _ruler(brush: Brush, strip: Strip) -> None:
    row, axis = strip.ruler, strip.axis
    for seconds, text in ticks(axis, TICK_ROOM * brush.scale):
        x = axis.x_of(seconds)
        brush.line(x, row.top - 3 * brush.scale, 3 * brush.scale, brush.palette.faint)
        align = _align(axis, x, 16 * brush.scale)
        brush.text(text, x, row.y + 1 * brush.scale, brush.palette.text, align)


def _align(axis: Axis, x: float, room: float) -> str:
    """Times at the ends stay inside the strip."""
    if x - room < axis.left:
        return "LEFT"
    return "RIGHT" if x + room > axis.left + axis.width else "CENTER"


def _range(brush: Brush, strip: Strip, time: VoiceTime) -> None:
    """The ends of the range, which can be dragged: lines with a grip."""
    wave = strip.wave
    for seconds, part, inward in ((time.start_s, "START", 1), (time.end_s, "END", -1)):
        if seconds is None or not strip.axis.shows(seconds):
            continue
        hot = part == LOOK.hovered
        colour = brush.palette.strong if hot else brush.palette.active
        x, size = strip.axis.x_of(seconds), 6 * brush.scale
        brush.line(x, wave.y, wave.height, colour, 2.0 if hot else 1.0)
        for y, up in ((wave.top, -1), (wave.y, 1)):
            points = [(x, y), (x + inward * size, y), (x, y + up * size)]
            brush.shape("TRIS", points, colour)


def _playhead(brush: Brush, strip: Strip, seconds: float) -> None:
    if not strip.axis.shows(seconds):
        return
    x, top = strip.axis.x_of(seconds), strip.wave.top
    low = strip.emotion.y
    brush.line(x, low, top - low, brush.palette.playhead, 2.0)
    half, tall = 5 * brush.scale, 7 * brush.scale
    points = [(x - half, top), (x + half, top), (x, top - tall)]
    brush.shape("TRIS", points, brush.palette.playhead)


_handles: list[Any] = []


def register() -> None:
    """In background Blender draws nothing, and the handler is never called."""
    space: Any = bpy.types.SpaceView3D
    _handles.append(space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    space: Any = bpy.types.SpaceView3D
    while _handles:
        space.draw_handler_remove(_handles.pop(), "WINDOW")
    _wave_batches.clear()
