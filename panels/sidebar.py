# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels of the sidebar share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import bpy

from ..operators.chosen import drawing
from ..operators.faults import shortened
from ..properties.progress import STATE
from .texts import draw_sentence

Draw = Callable[[Any, bpy.types.Context], None]

MAIN = "FACEWRIGHT_PT_face"
ICONS = {"done": "CHECKMARK", "stopped": "INFO", "failed": "ERROR"}
MARGIN_PX = 87  # tabs, icon and rims
MOST_PX = 700  # of a line, to be read well


class Sidebar:
    """A panel of the sidebar's tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Facewright"


class SubPanel(Sidebar):
    """A closed panel below the main one, there as soon as the scene has a pipeline."""

    bl_parent_id = MAIN
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shown_pipeline(context) is not None


def one_look(draw: Draw) -> Draw:
    """For ``draw`` methods that ask more than once what a face is."""

    @wraps(draw)
    def drawn(self: Any, context: bpy.types.Context) -> None:
        with drawing():
            draw(self, context)

    return drawn


def shown_pipeline(context: bpy.types.Context) -> Any:
    """The pipeline that the panels show; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.pipeline


def shown_player(context: bpy.types.Context) -> Any:
    """The player that feeds the shown pipeline; None when there is none."""
    chosen: Any = context.scene.facewright
    return chosen.player_of(chosen.pipeline)


def aligned(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """The layout, with labels on the left and values on the right."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout


def draw_running(layout: bpy.types.UILayout) -> bool:
    """How far the running job is, with a button that ends it; False when none runs."""
    if STATE.running:
        row = layout.row(align=True)
        row.progress(factor=STATE.fraction, text=STATE.text)
        row.operator("facewright.cancel", text="", icon="CANCEL")
    return STATE.running


def draw_outcome(layout: bpy.types.UILayout, width: float) -> None:
    """What came of the last job, if any, and what is worth a look; files of the extension's own
    folder by their short names."""
    if not STATE.outcome:
        return
    short, folder = shortened(STATE.outcome)
    draw_sentence(layout, short, ICONS[STATE.ending], width)
    if folder:
        button = layout.operator("wm.path_open", text="Open the Folder", icon="FILE_FOLDER")
        button.filepath = folder
    for notice in STATE.notices:
        draw_sentence(layout, notice, "INFO", width)
