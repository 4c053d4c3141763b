# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's window pays for us: drawing panels, and the steps of a long job.

``panels`` is what our own code takes to draw every panel once, opened, in a scene with ten
characters, each with a pipeline and a player of its own (Blender's own drawing is not ours).
``longest_step`` is the longest that one of our callbacks keeps the window while a five minute
voice is animated on two heads; a step ends where Blender gets its turn again.
"""

from __future__ import annotations

import importlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from animate import write_speech  # a neighbour; benchmarks run by path

ENVIRONMENT = "bpy45"
NAME = "bl_ext.user_default.facewright"
CHARACTERS = 10
SPEECH_S = 300.0
ROUNDS = 50


class Layout:
    """Takes what panels draw and does nothing, at the price of an attribute."""

    def __getattr__(self, name: str) -> Any:
        return _panel if name == "panel" else _nothing

    def __setattr__(self, name: str, value: Any) -> None:
        pass


def _nothing(*_args: Any, **_options: Any) -> Layout:
    return LAYOUT


def _panel(*_args: Any, **_options: Any) -> tuple[Layout, Layout]:
    return LAYOUT, LAYOUT


LAYOUT = Layout()


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["FACEWRIGHT_ZIP"], repo="user_default", enable_on_install=True
        )
        voice = Path(folder) / "five minutes.wav"
        write_speech(voice, SPEECH_S)
        for _ in range(CHARACTERS):
            bpy.ops.facewright.add_pipeline()
            bpy.context.scene.facewright.players[-1].voice_path = str(voice)
        figures = {"panels_ms": _panels(bpy)}
        figures.update(_job(bpy))
        return figures


def _part(name: str) -> Any:
    return importlib.import_module(f"{NAME}.{name}")


def _panels(bpy: Any) -> float:
    """Milliseconds to draw all panels of the sidebar once, the median of many rounds."""
    panels = [
        panel
        for panel in bpy.types.Panel.__subclasses__()
        if getattr(panel, "bl_category", "") == "Facewright"
    ]
    context = SimpleNamespace(
        scene=bpy.context.scene,
        active_object=bpy.context.active_object,
        selected_objects=(),
        mode="OBJECT",
        preferences=bpy.context.preferences,
    )
    stand_ins = [SimpleNamespace(layout=LAYOUT) for _ in panels]
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for panel, stand_in in zip(panels, stand_ins, strict=True):
            if not hasattr(panel, "poll") or panel.poll(context):
                if hasattr(panel, "draw_header"):
                    panel.draw_header(stand_in, context)
                panel.draw(stand_in, context)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def _job(bpy: Any) -> dict[str, float]:
    """The longest step of a job that animates two heads, and how many steps it had."""
    chosen = bpy.context.scene.facewright
    chosen.characters[1].pipeline_id = chosen.pipelines[0].id
    began = time.perf_counter()
    request = _part("operators.chosen").request_of(bpy.context.scene, chosen.pipelines[0])
    steps = _part("operators.animation_job").animation_steps(request)
    spent = [time.perf_counter() - began]
    while True:
        time.sleep(0.002)
        began = time.perf_counter()
        try:
            next(steps)
        except StopIteration:
            break
        finally:
            spent.append(time.perf_counter() - began)
    return {"longest_step_ms": 1000 * max(spent), "steps_count": float(len(spent))}
