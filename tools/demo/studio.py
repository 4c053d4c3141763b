# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a talking face: ``python studio.py sheet|movie FILE.blend OBJECT OUT``.

Run in a process of its own. The camera looks at the part of the mesh that the shapes move, so that
it frames any character.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
SHEET_FRAMES, SHEET_COLUMNS = 12, 6
SHEET_SIZE, MOVIE_SIZE = (360, 420), (512, 576)
MOVED = 0.15  # a vertex that moves this share of the largest movement belongs to the face
MARGIN = 1.6  # the picture's height, in heights of what moves
FORWARD = 0.35  # of the box's depth, from its middle to the face
MOVIE_SUBDIVISION = 1  # smooth enough at the movie's size, and half the time
CYCLES_SAMPLES = 32


def _pictures(name: str) -> Any:
    """A module of tools/pictures."""
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    return importlib.import_module(f"facewright.tools.pictures.{name}")


def _moving_box(face: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Corners of the box in world space around the vertices that shapes move."""
    blocks = face.data.shape_keys.key_blocks
    count = len(face.data.vertices)
    basis = _points(blocks[0], count)
    way = np.zeros(count)
    for block in blocks[1:]:
        way = np.maximum(way, np.linalg.norm(_points(block, count) - basis, axis=1))
    moved = way > MOVED * way.max()
    matrix = np.array(face.matrix_world)
    points = basis[moved] if moved.any() else basis
    world = points @ matrix[:3, :3].T + matrix[:3, 3]
    return world.min(axis=0), world.max(axis=0)


def _points(block: Any, count: int) -> np.ndarray[Any, Any]:
    points = np.empty(count * 3, np.float32)
    block.points.foreach_get("co", points)
    return points.reshape(count, 3)


def _shot(face: Any) -> Any:
    """From straight in front of the face, which looks along its object's -Y."""
    low, high = _moving_box(face)
    ahead = -np.array(face.matrix_world)[:3, 1]
    ahead /= np.linalg.norm(ahead)
    depth = np.abs(ahead) @ (high - low)
    target = (low + high) / 2 + FORWARD * depth * ahead  # the lights are set for the surface
    yaw = np.degrees(np.arctan2(ahead[0], -ahead[1]))
    stage = _pictures("stage")
    height_m = float(high[2] - low[2]) * MARGIN
    return stage.Shot(target=tuple(target), height_m=height_m, yaw_deg=float(yaw))


def light_for_people(scene: Any, face: Any) -> None:
    """Camera and lights so that whoever opens the .blend can render it at once."""
    stage = _pictures("stage")
    shot = _shot(face)
    stage.aim_camera(scene, shot, MOVIE_SIZE)
    stage.set_lights(scene, shot.target, shot.height_m)


def _workbench(scene: Any, stage: Any) -> None:
    stage.use_workbench(scene)
    coloured = any(obj.type == "MESH" and obj.data.color_attributes for obj in bpy.data.objects)
    scene.display.shading.color_type = "VERTEX" if coloured else "MATERIAL"


def movie(scene: Any, face: Any, out: Path) -> None:
    """An .mp4 with the scene's sound, at the scene's rate."""
    stage = _pictures("stage")
    stage.aim_camera(scene, _shot(face), MOVIE_SIZE)
    _workbench(scene, stage)
    scene.display.render_aa = "FXAA"  # five times faster than eight samples
    scene.display.shading.show_cavity = False
    scene.render.use_simplify = True
    scene.render.simplify_subdivision_render = MOVIE_SUBDIVISION
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "VIDEO"
    image.file_format = "FFMPEG"
    video = scene.render.ffmpeg
    video.format, video.codec, video.audio_codec = "MPEG4", "H264", "AAC"
    video.constant_rate_factor = "HIGH"
    video.audio_bitrate = 160
    scene.render.use_file_extension = False
    scene.render.filepath = str(out)
    bpy.ops.render.render(animation=True)


def sheet(scene: Any, face: Any, out: Path, cycles: bool = False) -> None:
    """Twelve frames over the length of the take, each with its time."""
    stage, paper = _pictures("stage"), _pictures("sheet")
    shot = _shot(face)
    stage.aim_camera(scene, shot, SHEET_SIZE)
    if cycles:
        stage.use_cycles(scene, CYCLES_SAMPLES)
    else:
        _workbench(scene, stage)
    label = paper.Label(scene)
    pictures = []
    rate = scene.render.fps / scene.render.fps_base
    with tempfile.TemporaryDirectory() as folder:
        for frame in _sheet_frames(scene):
            scene.frame_set(frame)
            label.show(f"{(frame - scene.frame_start) / rate:.2f} s")
            pictures.append(paper.read(stage.render(scene, Path(folder) / f"{frame}.png")))
    paper.write(out, paper.compose(pictures, SHEET_COLUMNS))


def _sheet_frames(scene: Any) -> list[int]:
    """Frames in the middle of twelve equal parts."""
    count = scene.frame_end - scene.frame_start
    return [
        scene.frame_start + round((part + 0.5) * count / SHEET_FRAMES)
        for part in range(SHEET_FRAMES)
    ]


def _face(name: str) -> Any:
    if name:
        return bpy.data.objects[name]
    return next(obj for obj in bpy.data.objects if obj.get("facewright_part") == "skin")


def main(words: list[str]) -> int:
    kind, blend, name, out = words[:4]
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene, target = bpy.context.scene, Path(out).resolve()
    if kind == "movie":
        movie(scene, _face(name), target)
    else:
        sheet(scene, _face(name), target, cycles="cycles" in words[4:])
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
