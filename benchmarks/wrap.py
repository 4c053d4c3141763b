# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live wrap costs a frame, beside Blender's Surface Deform on the same meshes in one run.

A bumpy sphere drives another of as many vertices, moved by a shape key that changes each frame. The
driver's own cost is taken off. ``drawn``: the driver's vertex normals are read in each frame, as a
viewport does that draws it; the wrap then uses the same. Without ``drawn`` the wrap pays for them,
as it does with a hidden driver. ``flat`` is the wrap of skin on a fitted mesh, which is hidden. The
modes take turns, so that a busy machine is busy for all.
"""

from __future__ import annotations

import importlib
import os
import statistics
import tempfile
import time
from typing import Any

import numpy as np

ENVIRONMENT = "bpy45"
NAME = "bl_ext.user_default.facewright"
SIZES = {"24k": (150, 160), "60k": (200, 300)}
ROUNDS, FRAMES = 6, 25
SMOOTH_STEPS = 2


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["FACEWRIGHT_ZIP"], repo="user_default", enable_on_install=True
        )
        figures: dict[str, float] = {}
        for name, (rows, columns) in SIZES.items():
            bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
            measured = _one_size(bpy, rows, columns)
            figures.update({f"{name}_{key}": value for key, value in measured.items()})
        return figures


def _one_size(bpy: Any, rows: int, columns: int) -> dict[str, float]:
    wraps: Any = importlib.import_module(f"{NAME}.scene.wrap_modifier")
    driver, driven = _ball(bpy, "Driver", rows, columns), _ball(bpy, "Driven", rows, columns, 0.35)
    key = _shape_key(driver)
    began = time.perf_counter()
    wrap = wraps.add_wrap(driven, driver)
    figures = {"bind_s": time.perf_counter() - began}
    flat = wraps.add_wrap(driven, driver, flat=True)
    rival = driven.modifiers.new("Rival", "SURFACE_DEFORM")
    rival.target = driver
    bpy.context.view_layer.update()
    began = time.perf_counter()
    with bpy.context.temp_override(object=driven, active_object=driven):
        bpy.ops.object.surfacedeform_bind(modifier=rival.name)
    figures["surface_deform_bind_s"] = time.perf_counter() - began
    if not rival.is_bound:
        raise RuntimeError("Surface Deform did not bind")

    def alone() -> None:
        wrap.show_viewport = flat.show_viewport = rival.show_viewport = False

    def wrapped(**changes: Any) -> None:
        alone()
        wraps.change_options(wrap, **{**PLAIN, **changes})
        wrap.show_viewport = True

    def flatly() -> None:
        alone()
        flat.show_viewport = True

    def rivalled() -> None:
        alone()
        rival.show_viewport = True

    modes: dict[str, Any] = {
        "driver": alone,
        "wrap": wrapped,
        "wrap_flat": flatly,
        "wrap_object_space": lambda: wrapped(face_tangent_space=False),
        "wrap_smooth": lambda: wrapped(smooth_steps=SMOOTH_STEPS, smooth_factor=0.5),
        "surface_deform": rivalled,
    }
    for drawn in (False, True):
        taken = _taken(bpy, driver, key, modes, drawn)
        word = "drawn_" if drawn else ""
        base = taken.pop("driver")
        figures[f"{word}driver_ms"] = base
        figures.update({f"{word}{name}_ms": value - base for name, value in taken.items()})
        for mode in ("wrap", "wrap_flat"):
            ratio = (taken["surface_deform"] - base) / (taken[mode] - base)
            figures[f"{word}{mode}_faster_than_surface_deform_x"] = ratio
    return figures


PLAIN = {"face_tangent_space": True, "smooth_steps": 0}


def _taken(bpy: Any, driver: Any, key: Any, modes: dict[str, Any], drawn: bool) -> dict[str, float]:
    """Milliseconds a frame by mode, the median of all rounds."""
    times: dict[str, list[float]] = {name: [] for name in modes}
    for _round in range(ROUNDS):
        for name, begin in modes.items():
            begin()
            times[name] += _frames(bpy, driver, key, drawn)
    return {name: 1000 * statistics.median(each) for name, each in times.items()}


def _frames(bpy: Any, driver: Any, key: Any, drawn: bool) -> list[float]:
    found = []
    layer = bpy.context.view_layer
    for frame in range(FRAMES + 2):
        key.value = 0.02 + 0.9 * frame / FRAMES
        began = time.perf_counter()
        layer.update()
        if drawn:
            driver.evaluated_get(layer.depsgraph).data.vertex_normals[0].vector  # noqa: B018
        found.append(time.perf_counter() - began)
    return found[2:]  # the first build what the mode needs


def _ball(bpy: Any, name: str, rows: int, columns: int, turn: float = 0.0) -> Any:
    """A bumpy sphere of quads, open at its poles, turned so that vertices lie between others."""
    down, around = np.meshgrid(
        np.linspace(0.15, np.pi - 0.15, rows),
        np.linspace(0, 2 * np.pi, columns, endpoint=False) + turn / columns,
        indexing="ij",
    )
    radius = 0.1 + 0.004 * np.sin(5 * down) * np.cos(4 * around) + 0.01 * turn
    points = np.stack(
        [
            radius * np.sin(down) * np.cos(around),
            radius * np.sin(down) * np.sin(around),
            radius * np.cos(down + turn / rows),
        ],
        axis=-1,
    ).reshape(-1, 3)
    grid = np.arange(rows * columns).reshape(rows, columns)
    aside = np.roll(grid, -1, axis=1)
    faces = np.stack([grid[:-1], grid[1:], aside[1:], aside[:-1]], axis=-1).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update()
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def _shape_key(driver: Any) -> Any:
    driver.shape_key_add(name="Basis")
    key = driver.shape_key_add(name="Moved", from_mix=False)
    flat = np.empty(len(key.points) * 3, np.float32)
    key.points.foreach_get("co", flat)
    moved = flat.reshape(-1, 3)
    moved += 0.01 * np.sin(30 * moved[:, [1, 2, 0]])
    key.points.foreach_set("co", moved.ravel())
    key.value = 0.0
    return key
