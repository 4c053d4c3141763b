# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches of 24,000 vertices: time and memory of each format, beside Blender's exporters.

A head-sized mesh that a shape key moves in each frame, no modifier. ``memory`` is what a process
takes at most above the scene that stands ready (so the process that measures does nothing else:
each format has one of its own, on the same scene). ``evaluate`` goes through the frames and reads
the vertices without writing, which each of ours has in it. ``cpu`` is what the processor was busy,
on all cores: the rest is the disk, which ours wait for and Blender's do not.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ENVIRONMENT = "bpy45"
NAME = "bl_ext.user_default.facewright"
ROWS, COLUMNS = 150, 160
FRAMES = int(os.environ.get("FACEWRIGHT_CACHE_FRAMES", "3600"))
OURS = ("USD", "MC", "MCX", "PC2", "MDD")
JOBS = ("evaluate", *OURS, "blender_usd", "blender_alembic")


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    figures: dict[str, float] = {"frames_count": FRAMES}
    for job in JOBS:
        words = [sys.executable, __file__, job]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        (line,) = (each for each in done.stdout.splitlines() if each.startswith("{"))
        told = json.loads(line)  # Blender says more
        figures.update({f"{job.lower()}_{name}": value for name, value in told.items()})
    return figures


def _measure_one(job: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["FACEWRIGHT_ZIP"], repo="user_default", enable_on_install=True
        )
        obj = _face(bpy)
        work = _work(bpy, obj, job, Path(folder))
        for frame in (1, 2, 1):
            bpy.context.scene.frame_set(frame)
        _forget_peak()
        before, began, busy = _memory("VmRSS"), time.perf_counter(), time.process_time()
        work()
        figures = {
            "s": time.perf_counter() - began,
            "cpu_s": time.process_time() - busy,
            "memory_mb": _memory("VmHWM") - before,
        }
        sizes = [path.stat().st_size for path in Path(folder).glob("cache*")]
        return figures | ({"file_mb": sum(sizes) / 1e6} if sizes else {})


def _work(bpy: Any, obj: Any, job: str, folder: Path) -> Callable[[], object]:
    caches: Any = importlib.import_module(f"{NAME}.scene.caches")
    spans: Any = importlib.import_module(f"{NAME}.scene.spans")
    scene, layer = bpy.context.scene, bpy.context.view_layer
    span = spans.span_of(scene, 1, FRAMES)
    if job == "evaluate":
        evaluated: Any = importlib.import_module(f"{NAME}.scene.evaluated")

        def look() -> None:
            for _frame in spans.visit(scene, span):
                evaluated.points_of(obj, layer.depsgraph)

        return look
    path = folder / "cache"
    if job == "blender_usd":
        return lambda: bpy.ops.wm.usd_export(
            filepath=f"{path}.usdc", export_animation=True, export_shapekeys=False,
            export_normals=False, export_uvmaps=False, export_materials=False,
        )  # fmt: skip
    if job == "blender_alembic":
        return lambda: bpy.ops.wm.alembic_export(
            filepath=f"{path}.abc", normals=False, uvs=False, as_background_job=False
        )
    order = caches.CacheOrder(scene, layer, (obj,), span, path, job)
    return lambda: list(caches.write_steps(order))


def _face(bpy: Any) -> Any:
    down, around = np.meshgrid(
        np.linspace(0.15, np.pi - 0.15, ROWS),
        np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False),
        indexing="ij",
    )
    ring = 0.1 * np.sin(down)
    axes = [ring * np.sin(around), ring * np.cos(around), 0.1 * np.cos(down)]
    points = np.stack(axes, axis=-1).reshape(-1, 3)
    grid = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    aside = np.roll(grid, -1, axis=1)
    faces = np.stack([grid[:-1], grid[1:], aside[1:], aside[:-1]], axis=-1).reshape(-1, 4)
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    obj = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="Moved", from_mix=False)
    key.points.foreach_set("co", (points + 0.01 * np.sin(30 * points[:, [1, 2, 0]])).ravel())
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    for frame in range(1, FRAMES + 40, 40):
        key.value = (0.618 * frame) % 1.0  # no pose comes twice: some writers would keep one
        key.keyframe_insert("value", frame=frame)
    return obj


def _forget_peak() -> None:
    """Let the highest memory of this process begin anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory(line: str) -> float:
    """A line of the kernel's account of this process, in MB; memory of files is not counted."""
    fields = dict(
        each.split(":", 1) for each in Path("/proc/self/status").read_text("utf-8").splitlines()
    )
    return int(fields[line].split()[0]) / 1000


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure_one(sys.argv[1])) + "\n")
