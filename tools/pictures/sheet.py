# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: single renders with labels, put together with Blender's own image code."""

from __future__ import annotations

from collections.abc import Sequence
from math import tan
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from facewright.scene import versions
from mathutils import Matrix
from numpy.typing import NDArray

Picture = NDArray[np.float32]


BAND = (0.030, 0.036, 0.045)


class Label:
    """A line of text on a dark band at the lower edge of the camera's picture."""

    def __init__(self, scene: bpy.types.Scene, size: float = 0.062) -> None:
        curve: Any = bpy.data.curves.new("Label", "FONT")
        curve.align_x = "CENTER"
        curve.materials.append(_flat((0.92, 0.93, 0.95)))
        self._curve = curve
        self._size = size
        self._object = bpy.data.objects.new("Label", curve)
        scene.collection.objects.link(self._object)
        mesh = bpy.data.meshes.new("Label Band")
        mesh.from_pydata([(-4, -0.8, 0), (4, -0.8, 0), (4, 1.05, 0), (-4, 1.05, 0)], [], [range(4)])
        mesh.materials.append(_flat(BAND))
        colour: Any = mesh.color_attributes.new("Colour", "FLOAT_COLOR", "POINT")
        for point in colour.data:  # what Workbench shows, which knows no materials' nodes
            point.color = (*BAND, 1.0)
        self._band = bpy.data.objects.new("Label Band", mesh)
        scene.collection.objects.link(self._band)
        for each in (self._object, self._band):
            each.visible_shadow = False
            each.visible_diffuse = False
            each.visible_glossy = False
        self._scene = scene

    def show(self, text: str) -> None:
        """Write the text just in front of the camera."""
        camera = self._scene.camera
        data: Any = camera.data
        near = data.clip_start * 4
        height = 2 * near * tan(data.angle_y / 2)
        self._curve.body = text
        self._curve.size = self._size * height
        low = -0.5 * height + 0.42 * self._curve.size
        place = Matrix.Translation((0.0, low, -near))
        self._object.matrix_world = camera.matrix_world @ place
        behind = Matrix.Translation((0.0, low, -near * 1.001))
        stretch = Matrix.Diagonal((height, self._curve.size, 1.0, 1.0))
        self._band.matrix_world = camera.matrix_world @ behind @ stretch


def read(path: Path) -> Picture:
    """A picture's pixels (height, width, 3), top row first, as stored (not linear)."""
    image: Any = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1, :, :3].copy()


def write(path: Path, picture: Picture) -> None:
    """Write pixels as an 8-bit PNG file."""
    height, width = picture.shape[:2]
    image: Any = bpy.data.images.new("Sheet", width, height, alpha=False)
    image.colorspace_settings.name = "Non-Color"
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = picture[::-1]
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw = str(path)
    image.file_format = "PNG"
    image.save()
    bpy.data.images.remove(image)


def compose(pictures: Sequence[Picture], columns: int, gap: int = 2) -> Picture:
    """Rows of equally large pictures with thin dark gaps."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    shape = (rows * (height + gap) + gap, columns * (width + gap) + gap, 3)
    sheet = np.full(shape, 0.12, dtype=np.float32)
    for i, picture in enumerate(pictures):
        top = gap + (i // columns) * (height + gap)
        left = gap + (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _flat(colour: tuple[float, float, float]) -> bpy.types.Material:
    """An unlit material."""
    made = bpy.data.materials.new("Label")
    made.diffuse_color = (*colour, 1.0)
    tree = versions.node_tree(made)
    tree.nodes.clear()
    glow = tree.nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = (*colour, 1.0)
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(glow.outputs[0], out.inputs[0])
    return made
