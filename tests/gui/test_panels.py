# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel of the sidebar, opened alone in a real window: it draws, and its picture is kept.

The pictures of one Blender become those of `docs/manual`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"

MAIN = "FACEWRIGHT_PT_face"


def script() -> driver.Steps:
    driver.install()
    yield
    bpy.context.preferences.system.use_region_overlap = False
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
        bpy.ops.facewright.animate()
    _fill_wrap()
    _fill_transfer()
    _fill_weights()
    _fill_conversion()
    spent: dict[str, list[float]] = {}
    yield from _pictures(spent)
    assert all(spent.values()), f"never drawn: {[name for name in spent if not spent[name]]}"
    took = {name: 1000 * min(times) for name, times in spent.items()}
    print("drawing, ms:", {name: round(value, 2) for name, value in took.items()}, flush=True)
    print("all panels once, ms:", round(sum(took.values()), 2), flush=True)


def _fill_wrap() -> None:
    wrap: Any = bpy.context.scene.facewright.wrap
    wrap.driver = bpy.data.objects["Facewright Head"]
    for name in ("Brows", "Lashes"):
        wrap.driven.add().object = bpy.data.objects[f"Facewright Head {name}"]
    bpy.ops.facewright.wrap_begin()


def _fill_transfer() -> None:
    """The driver, a target and its pairs: what is to be done next is the fitting."""
    with bpy.context.temp_override(**driver.viewport()):
        for name in ("add_transfer", "add_driver", "add_sample_target"):
            getattr(bpy.ops.facewright, name)()
        bpy.ops.facewright.setup_apply(name="Sample Target")


def _fill_weights() -> None:
    """Some kinds of files, and the table of gains."""
    weights: Any = bpy.context.scene.facewright.weights
    weights.face = bpy.data.objects["Facewright Head"]
    weights.usd = weights.metahuman_usd = weights.fbx = True
    bpy.ops.facewright.gains_reset()
    weights.gains["eyeBlinkLeft"].multiplier = 1.2


def _fill_conversion() -> None:
    """Two copies of the head, of which one is moved by a few keyframes and the other follows."""
    copies: list[Any] = []
    for name in ("Performance", "Head"):
        mesh: Any = bpy.data.objects["Facewright Head"].data.copy()
        mesh.shape_keys.animation_data_clear()
        copies.append(bpy.data.objects.new(name, mesh))
        bpy.context.scene.collection.objects.link(copies[-1])
    for name, size in (("jawOpen", 0.8), ("mouthPucker", 0.4), ("browInnerUp", 1.0)):
        key = copies[0].data.shape_keys.key_blocks[name]
        for frame, value in ((1, 0.0), (9, size), (20, 0.1), (30, size / 2)):
            key.value = value
            key.keyframe_insert("value", frame=frame)
    chosen: Any = bpy.context.scene.facewright
    conversion = chosen.add_conversion("Performance")
    conversion.source, conversion.target = copies
    chosen.exports.use_scene_range, chosen.exports.frame_end = False, 30
    bpy.ops.facewright.bake_solve()
    chosen.exports.use_scene_range = True


def _pictures(spent: dict[str, list[float]]) -> driver.Steps:
    ours = [p for p in bpy.types.Panel.__subclasses__() if p.__name__.startswith("FACEWRIGHT_PT_")]
    ours = [panel for panel in ours if panel.bl_space_type == "VIEW_3D"]
    parts = [panel for panel in ours if panel.__name__ != MAIN]
    for panel in ours:
        _time(panel, spent)
    # Blender remembers that a panel was closed, so none may be seen before it is opened here.
    for panel in reversed(parts):
        bpy.utils.unregister_class(panel)
    yield from driver.open_sidebar("Facewright")
    yield from _picture("face")
    main = next(panel for panel in ours if panel.__name__ == MAIN)
    draw, main.draw = main.draw, lambda self, context: None
    for panel in parts:
        yield from _alone(panel)
    main.draw = draw
    for panel in parts:
        bpy.utils.register_class(panel)
    yield from driver.redrawn()


def _alone(panel: Any) -> driver.Steps:
    """Open one panel below an empty main one, without its own sub-panels."""
    was = getattr(panel, "bl_parent_id", ""), getattr(panel, "bl_options", set())
    panel.bl_parent_id, panel.bl_options = MAIN, was[1] - {"DEFAULT_CLOSED"}
    bpy.utils.register_class(panel)
    yield from _picture(panel.__name__.removeprefix("FACEWRIGHT_PT_"))
    bpy.utils.unregister_class(panel)
    panel.bl_parent_id, panel.bl_options = was


def _picture(name: str) -> driver.Steps:
    yield from driver.redrawn()
    driver.shot_of_sidebar(f"panel_{name}")


def _time(panel: Any, spent: dict[str, list[float]]) -> None:
    """Note how long our own drawing takes with Blender's real layouts."""
    draw, times = panel.draw, spent.setdefault(panel.__name__, [])

    def timed(self: Any, context: Any) -> None:
        began = time.perf_counter()
        draw(self, context)
        times.append(time.perf_counter() - began)

    panel.draw = timed


driver.run(script)
