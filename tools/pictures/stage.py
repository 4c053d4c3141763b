# SPDX-License-Identifier: GPL-3.0-or-later
"""A small photo studio for faces: camera, lights, background, render settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin, tan
from pathlib import Path
from typing import Any

import bpy
from facewright.scene import versions
from mathutils import Matrix, Vector

BACKDROP = (0.085, 0.10, 0.125)


@dataclass(frozen=True)
class Shot:
    """What the camera sees: `height_m` of the world around `target`, from yaw and pitch.

    Yaw 0 looks at the face (which looks along -Y), positive yaw from the character's left.
    """

    target: tuple[float, float, float] = (0.0, -0.08, 0.0)
    height_m: float = 0.30
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    lens_mm: float = 85.0


@dataclass(frozen=True)
class Lighting:
    """Strengths of the lights and the surroundings, and how soft the lights are.

    `front` shines from beside the camera into the mouth.
    """

    key: float = 1.0
    fill: float = 0.3
    front: float = 0.22
    rim: float = 0.4
    surroundings: float = 0.45
    softness: float = 1.0
    backdrop: tuple[float, float, float] = BACKDROP


def clear() -> bpy.types.Scene:
    """A fresh, empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def aim_camera(scene: bpy.types.Scene, shot: Shot, size: tuple[int, int]) -> bpy.types.Object:
    """Place the scene's camera so that `shot.height_m` fills the picture's height."""
    camera = scene.camera
    if camera is None:
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
        scene.camera = camera
    data: Any = camera.data
    data.lens = shot.lens_mm
    data.sensor_fit = "VERTICAL"
    data.clip_start, data.clip_end = 0.01, 100.0
    distance = shot.height_m / 2 / tan(data.angle_y / 2)
    place = Vector(shot.target) + distance * _direction(shot.yaw_deg, shot.pitch_deg)
    camera.matrix_world = _looking(place, Vector(shot.target))
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    return camera


def set_lights(
    scene: bpy.types.Scene,
    target: Sequence[float],
    size_m: float = 0.3,
    lighting: Lighting | None = None,
) -> list[bpy.types.Object]:
    """Lights around `target` for a subject of `size_m`, and the backdrop."""
    lighting = lighting or Lighting()
    plan = (
        ("Key", -32, 24, 3.6, 1.7, lighting.key, (1.0, 0.955, 0.90)),
        ("Fill", 52, 8, 4.0, 2.6, lighting.fill, (0.86, 0.92, 1.0)),
        ("Front", 6, -4, 4.2, 0.9, lighting.front, (1.0, 0.98, 0.96)),
        ("Rim", 150, 38, 3.4, 1.4, lighting.rim, (1.0, 0.98, 0.95)),
        ("Rim Low", -140, 22, 3.6, 1.4, 0.45 * lighting.rim, (0.88, 0.93, 1.0)),
    )
    lights = []
    for name, yaw, pitch, distance, width, strength, colour in plan:
        data: Any = bpy.data.lights.new(name, "AREA")
        data.shape = "DISK"
        data.size = width * size_m * lighting.softness
        data.energy = 11.5 * strength * distance * distance * size_m * size_m
        data.color = colour
        light = bpy.data.objects.new(name, data)
        scene.collection.objects.link(light)
        place = Vector(target) + distance * size_m * _direction(yaw, pitch)
        light.matrix_world = _looking(place, Vector(target))
        lights.append(light)
    _set_surroundings(scene, lighting)
    return lights


def _set_surroundings(scene: bpy.types.Scene, lighting: Lighting) -> None:
    """The camera sees a plain backdrop; the head is lit by a soft grey sky."""
    world = scene.world or bpy.data.worlds.new("World")
    scene.world = world
    tree = versions.node_tree(world)
    tree.nodes.clear()
    seen = tree.nodes.new("ShaderNodeBackground")
    seen.inputs["Color"].default_value = (*lighting.backdrop, 1.0)
    sky = tree.nodes.new("ShaderNodeBackground")
    sky.inputs["Color"].default_value = (0.80, 0.86, 0.95, 1.0)
    sky.inputs["Strength"].default_value = lighting.surroundings
    path = tree.nodes.new("ShaderNodeLightPath")
    mix = tree.nodes.new("ShaderNodeMixShader")
    out = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(sky.outputs[0], mix.inputs[1])
    tree.links.new(seen.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], out.inputs[0])
    world.color = lighting.backdrop


def use_cycles(scene: bpy.types.Scene, samples: int = 24, threads: int = 2) -> None:
    """Path tracing on the CPU, denoised: for pictures that are looked at."""
    scene.render.engine = "CYCLES"
    cycles: Any = scene.cycles
    cycles.device = "CPU"
    cycles.samples = samples
    cycles.use_denoising = True
    cycles.max_bounces = 4
    cycles.seed = 0
    scene.render.use_persistent_data = True
    _common(scene, threads)


def use_workbench(scene: bpy.types.Scene) -> None:
    """The solid view's renderer: fast, for checks."""
    scene.render.engine = "BLENDER_WORKBENCH"
    shading: Any = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "VERTEX"
    shading.show_cavity = True
    shading.show_specular_highlight = True
    scene.display.render_aa = "8"
    _common(scene, 2)
    # Workbench's lights are dim beside ours.
    scene.view_settings.exposure = 0.6


def _common(scene: bpy.types.Scene, threads: int) -> None:
    scene.view_settings.view_transform = "Standard"
    scene.render.threads_mode = "FIXED"
    scene.render.threads = threads
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"


def render(scene: bpy.types.Scene, path: Path) -> Path:
    """Render the current frame to a PNG file."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return path


def _direction(yaw_deg: float, pitch_deg: float) -> Vector:
    """Unit vector from the target to the camera; the face looks along -Y, its left is +X."""
    yaw, pitch = radians(yaw_deg), radians(pitch_deg)
    return Vector((sin(yaw) * cos(pitch), -cos(yaw) * cos(pitch), sin(pitch)))


def _looking(place: Vector, target: Vector) -> Matrix:
    turn = (target - place).to_track_quat("-Z", "Y")
    return Matrix.Translation(place) @ turn.to_matrix().to_4x4()
