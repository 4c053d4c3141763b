# SPDX-License-Identifier: GPL-3.0-or-later
"""What all exports share: where to, under which name, at which frame rate, which frames."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..core.limits import MAX_FPS, MIN_FPS
from .paths import RELATIVE

LAST_FRAME = 1_048_574  # of Blender's time line


class FACEWRIGHT_PG_exports(bpy.types.PropertyGroup):
    """What all exports share"""

    directory: StringProperty(
        name="Export Directory",
        description="Folder that files are written to; // is the folder of the .blend",
        default="//",
        subtype="DIR_PATH",
        options=RELATIVE,
    )
    file_name: StringProperty(
        name="File Name",
        description="Beginning of the files' names, without ending; empty takes the object's name",
    )
    use_scene_fps: BoolProperty(
        name="Scene Frame Rate",
        description="Write as many frames per second as the scene has",
        default=True,
    )
    fps: FloatProperty(
        name="Playback FPS",
        description="Frames per second of what is written; near 23.976 and 59.94 those are meant",
        default=60.0,
        min=MIN_FPS,
        max=MAX_FPS,
        soft_max=120.0,
        precision=3,
    )
    use_scene_range: BoolProperty(
        name="Scene Range",
        description="Write the frames of the scene's range",
        default=True,
    )
    frame_start: IntProperty(
        name="Start",
        description="First frame of the scene that is written",
        default=1,
        min=-LAST_FRAME,
        max=LAST_FRAME,
    )
    frame_end: IntProperty(
        name="End",
        description="Last frame of the scene that is written",
        default=250,
        min=-LAST_FRAME,
        max=LAST_FRAME,
    )


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_exports,))
