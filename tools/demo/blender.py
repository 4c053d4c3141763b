# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's steps inside Blender, through the doors that a user's script would use."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy

NAME = "bl_ext.user_default.facewright"


def version() -> str:
    return str(bpy.app.version_string)


def install(archive: Path) -> Any:
    """Install from disk and enable; the extension's module."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True
    )
    return sys.modules[NAME]


def _part(extension: Any, name: str) -> Any:
    return importlib.import_module(f"{extension.__name__}.{name}")


def template_face(extension: Any, fps: int) -> Any:
    """The template head in an empty scene, with camera and lights for whoever opens the file."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, 1.0
    scene.frame_end = scene.frame_start  # the voice lengthens it
    head = _part(extension, "scene.template_head").add_template_head(scene.collection)
    from studio import light_for_people

    light_for_people(scene, head.skin)
    return head.skin


def open_face(blend: Path, name: str) -> Any:
    """The object of this name in a user's file, or None, which the extension explains."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    return bpy.data.objects.get(name)


def sample_voice(extension: Any, folder: Path) -> str:
    """A copy of the sample beside what is made: the installed extension goes with the demo."""
    sample = Path(_part(extension, "scene.places").SAMPLE_VOICE)
    return str(shutil.copy(sample, folder / sample.name))


def animate(
    extension: Any,
    face: Any,
    voice: str,
    outputs: Sequence[str],
    progress: Callable[[float, str], None],
    emotion: bool = False,
) -> tuple[str, ...]:
    """Animate the face and save the files; what the extension wants to have said.

    ``emotion`` has the built-in emotion model read the voice too.
    """
    module = _part(extension, "operators.animate")
    felt = None
    if emotion:
        model = _part(extension, "properties.library").BUILT_IN_EMOTION
        felt = _part(extension, "core.emotion.source").EmotionSource(model=str(model), mode="keys")
    result = module.animate_object(
        bpy.context, face, voice, outputs=outputs, progress=progress, emotion=felt
    )
    _part(extension, "operators.worker_host").stop()
    return (result.sentence, *result.notices)
