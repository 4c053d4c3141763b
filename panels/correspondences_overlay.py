# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws pairs in the 3D viewport: on the meshes of the scene, or over two looks at them while they
are picked. Drawing only."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader
from gpu_extras.presets import draw_texture_2d

from ..core.strip import Rect
from ..operators import correspondence_look as look
from ..operators.correspondence_help import click_text
from ..operators.correspondence_look import Colours, Marks
from ..operators.correspondence_session import SESSION, Pane, transfer_of
from ..operators.transfer_status import shown_transfer
from . import strip_colours
from .correspondences_surface import Pictures
from .strip import Brush
from .texts import translated

COLOURS = Colours(
    usual=(0.22, 0.72, 0.95, 1.0),
    selected=(1.0, 0.62, 0.12, 1.0),
    active=(1.0, 0.93, 0.75, 1.0),
    bad=(0.96, 0.2, 0.18, 1.0),
)
DARK = (0.05, 0.05, 0.06, 0.85)
HINT = (0.55, 0.95, 0.45, 1.0)
RIM = 1.5  # pixels of a point's dark edge
TITLE = 26.0  # height of a look's title
LOUPE, LARGER = 168.0, 4.0
SIDE_TITLES = {"driver": "OpenMouth Mesh", "target": "Target Mesh"}

PICTURES = Pictures()


def draw() -> None:
    """Draw into the viewport that Blender draws just now."""
    context = bpy.context
    if SESSION.running and context.area.as_pointer() == SESSION.area:
        if context.region.as_pointer() == SESSION.region:
            _with_states(_draw_looks, context)
        return
    space: Any = context.space_data
    if space.overlay.show_overlays:
        marks = look.marks_in_scene(context)
        if marks is not None:
            _with_states(_draw_in_scene, context, marks)


def _with_states(work: Any, *arguments: Any) -> None:
    gpu.state.blend_set("ALPHA")
    try:
        work(*arguments)
    finally:
        gpu.state.blend_set("NONE")
        gpu.state.line_width_set(1.0)


def _brush(context: bpy.types.Context) -> Brush:
    scale = float(context.preferences.system.ui_scale)
    return Brush(scale, strip_colours.palette(context))


def _draw_in_scene(context: bpy.types.Context, marks: Marks) -> None:
    transfer = shown_transfer(context)
    _draw_marks(_brush(context), transfer, marks)


def _draw_marks(brush: Brush, transfer: Any, marks: Marks) -> None:
    if transfer.show_lines:
        ends, tint = look.line_arrays(marks, COLOURS)
        _coloured("LINES", ends, tint)
    if not transfer.show_points:
        return
    radius = transfer.display_size / 2 * brush.scale
    for side in ("driver", "target"):
        tint = look.tints(marks, side, COLOURS)
        edge = tint.copy()
        edge[:, :3] = DARK[:3]
        _coloured("TRIS", *look.disc_arrays(marks, side, radius + RIM * brush.scale, edge))
        _coloured("TRIS", *look.disc_arrays(marks, side, radius, tint))
        place = marks.active
        if 0 <= place < len(marks.names) and marks.selected[place] and marks.there[side][place]:
            x, y = marks.pixels[side][place]
            away = radius + 6 * brush.scale
            _label(brush, marks.names[place], float(x) + away, float(y) + away)


def _label(brush: Brush, name: str, x: float, y: float) -> None:
    text = translated(name)
    brush.text(text, x + brush.scale, y - brush.scale, DARK)
    brush.text(text, x, y, (1.0, 1.0, 1.0, 1.0))


def _coloured(kind: str, points: Any, colours: Any) -> None:
    if not len(points):
        return
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    batch = batch_for_shader(shader, kind, {"pos": points, "color": colours})
    shader.bind()
    batch.draw(shader)


# ---- while pairs are picked ----------------------------------------------------------------------


def _draw_looks(context: bpy.types.Context) -> None:
    transfer = transfer_of(context)
    if transfer is None or len(SESSION.panes) < 2:
        return
    brush, back = _brush(context), _back(context)
    region = context.region
    brush.box(
        Rect(0, 0, region.width, region.height), (back[0] * 0.6, back[1] * 0.6, back[2] * 0.6, 1.0)
    )
    for pane in SESSION.panes.values():
        box = pane.view.box
        texture = PICTURES.picture(pane, pane.side, pane.view, back)
        draw_texture_2d(texture, (box.x, box.y), box.width, box.height)
    gpu.state.blend_set("ALPHA")
    _draw_marks(brush, transfer, look.marks_in_looks(transfer))
    for pane in SESSION.panes.values():
        _draw_pointed(brush, pane)
        _draw_title(brush, pane)
    if transfer.show_loupe and SESSION.over:
        _draw_loupe(brush, SESSION.panes[SESSION.over], back)


def _back(context: bpy.types.Context) -> tuple[float, float, float]:
    space = context.preferences.themes[0].view_3d.space
    red, green, blue = (float(part) for part in space.gradients.high_gradient)
    return red, green, blue


def _draw_pointed(brush: Brush, pane: Pane) -> None:
    """The place of the point that is due, the first half of a pair, and what is pointed at."""
    size = brush.scale
    if pane.side == "driver" and SESSION.pending is None and SESSION.hint is not None:
        spot = look.pixel_of(pane, SESSION.hint)
        alpha = 1.0 if look.is_in_front(pane, SESSION.hint) else COLOURS.faint
        _ring(brush, spot, 11 * size, (*HINT[:3], alpha), 2.0)
        _label(brush, SESSION.name, spot[0] + 14 * size, spot[1] + 8 * size)
    if pane.side == "driver" and SESSION.pending is not None:
        spot = look.pixel_of(pane, SESSION.pending)
        _ring(brush, spot, 7 * size, COLOURS.selected, 3.0)
        _label(brush, SESSION.name, spot[0] + 12 * size, spot[1] + 8 * size)
    if pane.side == SESSION.over and SESSION.preview is not None and SESSION.mode == "ADD":
        _ring(brush, look.pixel_of(pane, SESSION.preview), 4 * size, (1.0, 1.0, 1.0, 0.9), 1.5)
    if pane.side == SESSION.over and SESSION.hot >= 0 and SESSION.mode == "EDIT":
        transfer = shown_transfer(bpy.context)
        marks = look.marks_in_looks(transfer)
        if SESSION.hot < len(marks.names):
            x, y = marks.pixels[pane.side][SESSION.hot]
            radius = (transfer.display_size / 2 + 4) * size
            _ring(brush, (float(x), float(y)), radius, (1.0, 1.0, 1.0, 0.9), 1.5)
            if SESSION.hot != marks.active or not marks.selected[SESSION.hot]:
                _label(brush, marks.names[SESSION.hot], float(x) + radius + 4, float(y) + radius)


def _ring(brush: Brush, centre: Any, radius: float, colour: Any, width: float) -> None:
    gpu.state.line_width_set(width * brush.scale)
    brush.shape("LINE_STRIP", look.ring(centre, radius), colour)
    gpu.state.line_width_set(1.0)


def _draw_title(brush: Brush, pane: Pane) -> None:
    """What the look shows, and whether it is the one to click."""
    box, palette = pane.view.box, brush.palette
    height = TITLE * brush.scale
    band = Rect(box.x, box.top - height, box.width, height)
    due = SESSION.due == pane.side
    brush.box(band, (*palette.back[:3], 0.85))
    y = band.y + 9 * brush.scale
    colour = palette.strong if due or SESSION.mode != "ADD" else palette.text
    x = band.x + 10 * brush.scale
    brush.text(translated(SIDE_TITLES[pane.side]), x, y, colour)
    if due:
        brush.box(Rect(box.x, band.y - 2 * brush.scale, box.width, 2 * brush.scale), HINT)
        brush.text(click_text(), band.right - 10 * brush.scale, y, HINT, "RIGHT")


def _draw_loupe(brush: Brush, pane: Pane, back: Any) -> None:
    """What is below the pointer, enlarged, in the corner that is farthest from it."""
    box = pane.view.box
    size = min(LOUPE * brush.scale, 0.42 * min(box.width, box.height))
    view = look.loupe_of(pane, size, LARGER)
    texture = PICTURES.picture(pane, "loupe", view, back)
    margin = 12 * brush.scale
    left = SESSION.pointer[0] > box.x + box.width / 2
    x = box.x + margin if left else box.right - margin - size
    y = box.y + margin
    edge = 2 * brush.scale
    brush.box(Rect(x - edge, y - edge, size + 2 * edge, size + 2 * edge), brush.palette.outline)
    draw_texture_2d(texture, (x, y), size, size)
    gpu.state.blend_set("ALPHA")
    middle = (x + size / 2, y + size / 2)
    colour, arm = (1.0, 1.0, 1.0, 0.8), 7 * brush.scale
    ends = [(middle[0] - 3 * arm, middle[1]), (middle[0] - arm, middle[1])]
    ends += [(middle[0] + arm, middle[1]), (middle[0] + 3 * arm, middle[1])]
    ends += [(middle[0], middle[1] - 3 * arm), (middle[0], middle[1] - arm)]
    ends += [(middle[0], middle[1] + arm), (middle[0], middle[1] + 3 * arm)]
    brush.shape("LINES", ends, colour)
    _ring(brush, middle, 2.5 * brush.scale, colour, 1.5)


_handles: list[Any] = []


def register() -> None:
    """In background Blender draws nothing, and the handler is never called."""
    space: Any = bpy.types.SpaceView3D
    _handles.append(space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    space: Any = bpy.types.SpaceView3D
    while _handles:
        space.draw_handler_remove(_handles.pop(), "WINDOW")
    PICTURES.free()
