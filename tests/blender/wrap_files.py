# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by one Blender's Python: saves a file with wraps, or says where a file's meshes are.

``make FILE POSITIONS`` uses the code of this checkout. ``read TARGET FILE ...`` uses none of it, as
on a computer without the extension; it writes one array for each file to TARGET.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
VALUES = (0.0, 0.4, 1.0)
WRAPPED = ("Tangent", "Object", "Near", "Smooth", "Flat")
DRIVEN = (*WRAPPED, "Follower")


def make(file: str, positions: str) -> None:
    """A bent, subdivided driver and a mesh for each way of following it."""
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import importlib

    import wraps

    modifiers = importlib.import_module("facewright.scene.wrap_modifier")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    driver = wraps.ball("Driver", 16, place=wraps.DRIVER_PLACE)
    driver.modifiers.new("Subdivision", "SUBSURF").levels = 1
    options = {
        "Tangent": modifiers.WrapOptions(),
        "Object": modifiers.WrapOptions(face_tangent_space=False),
        "Near": modifiers.WrapOptions(use_max_distance=True, max_distance=0.25),
        "Smooth": modifiers.WrapOptions(smooth_steps=2, smooth_factor=0.4),
        "Flat": modifiers.WrapOptions(),
    }
    for seed, name in enumerate(WRAPPED):
        driven = wraps.ball(name, 12, 1.15, wraps.DRIVEN_PLACE, seed)
        modifiers.add_wrap(driven, driver, options=options[name], flat=name == "Flat")
    wraps.bend(driver)
    _add_follower(importlib.import_module("facewright.scene.follow_modifier"), wraps, driver)
    np.save(positions, places())
    bpy.ops.wm.save_as_mainfile(filepath=file)


def _add_follower(follow: Any, wraps: Any, driver: Any) -> None:
    """A mesh that turns with a part of the driver, which the driver's key turns."""
    part = bpy.data.objects.new("Part", None)
    bpy.context.scene.collection.objects.link(part)
    part.parent, part.location = driver, (0.2, 0.3, 0.1)
    bpy.context.view_layer.update()
    matrices = follow.matrices_of(np.array(part.matrix_basis), np.array(wraps.DRIVEN_PLACE))
    follow.add_follow(
        wraps.ball("Follower", 12, place=wraps.DRIVEN_PLACE), "part", (driver, part), matrices
    )
    turning = part.driver_add("rotation_euler", 0).driver
    turning.type = "SUM"
    target = turning.variables.new().targets[0]
    target.id_type, target.id = "KEY", driver.data.shape_keys
    target.data_path = 'key_blocks["Bent"].value'


def read(target: str, *files: str) -> None:
    """Where the meshes of files are, as this Blender alone moves them."""
    found = []
    for file in files:
        bpy.ops.wm.open_mainfile(filepath=file)
        found.append(places())
    assert not [name for name in sys.modules if "facewright" in name], "the extension is here"
    np.savez(target, *found)


def places() -> np.ndarray:
    """Positions (values of the key, meshes, vertices, 3)."""
    key = bpy.data.objects["Driver"].data.shape_keys.key_blocks["Bent"]
    found = []
    for value in VALUES:
        key.value = value
        bpy.context.view_layer.update()
        graph = bpy.context.evaluated_depsgraph_get()
        for name in DRIVEN:
            mesh = bpy.data.objects[name].evaluated_get(graph).data
            points = np.empty(3 * len(mesh.vertices), np.float32)
            mesh.vertices.foreach_get("co", points)
            found.append(points.reshape(-1, 3))
    return np.stack(found).reshape(len(VALUES), len(DRIVEN), -1, 3)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        read(*sys.argv[2:])
    sys.stdout.flush()
    os._exit(0)  # bpy may hang when the interpreter ends
