# SPDX-License-Identifier: GPL-3.0-or-later
"""A blend shape conversion in a real window: a bake that is cancelled, one under which the input
vanishes, one that is undone and done again, and the live solve while the animation plays.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"
LAST = 150
STAGE = "Facewright Input"


def script() -> driver.Steps:
    name = driver.install().__name__
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    yield from _set_up()
    yield from _cancelled(name)
    yield from _input_vanishes(name)
    yield from _baked(name)
    yield from _live(name)


def _state(name: str) -> Any:
    return sys.modules[f"{name}.properties.progress"].STATE


def _call(operator: str, **options: Any) -> Any:
    with bpy.context.temp_override(**driver.viewport()):
        return getattr(bpy.ops.facewright, operator)("INVOKE_DEFAULT", **options)


def _conversion() -> Any:
    return bpy.context.scene.facewright.conversion


def _set_up() -> driver.Steps:
    """A head, and beside it a mesh of the same vertices that only a scripted animation moves."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, LAST
    scene.facewright.preview = False  # it moves the head, too
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
    yield
    head = bpy.data.objects["Facewright Head"]
    source = bpy.data.objects.new("Performance", head.data.copy())
    scene.collection.objects.link(source)
    source.location.x = -0.3
    rng = np.random.default_rng(1)
    for block in source.data.shape_keys.key_blocks[1:]:
        speed, begin = rng.uniform(0.05, 0.2), rng.random() * 6
        for frame in range(1, LAST + 1, 6):
            block.value = max(0.0, 0.6 * np.sin(speed * frame + begin) - 0.2)
            block.keyframe_insert("value", frame=frame)
    _call("add_conversion")
    _conversion().source, _conversion().target = source, head
    bpy.ops.ed.undo_push(message="ready")
    yield from driver.redrawn()


def _untouched() -> bool:
    data = bpy.data.objects["Facewright Head"].data.shape_keys.animation_data
    return data is None or data.action is None


def _cancelled(name: str) -> driver.Steps:
    assert _call("bake_solve") == {"RUNNING_MODAL"}
    yield from driver.wait_for("reading", lambda: _state(name).fraction > 0.2)
    driver.shot("conversion_1_reading")
    yield from driver.press("ESC")
    yield from driver.wait_for("the end", lambda: not _state(name).running, 20)
    assert _state(name).outcome == "Cancelled"
    assert _untouched()
    assert STAGE not in bpy.data.scenes


def _input_vanishes(name: str) -> driver.Steps:
    _call("bake_solve")
    yield from driver.wait_for("reading", lambda: _state(name).fraction > 0.2)
    bpy.data.objects.remove(bpy.data.objects["Performance"])
    yield from driver.wait_for("the end", lambda: not _state(name).running, 20)
    print("outcome:", _state(name).outcome, flush=True)
    assert "Performance" in _state(name).outcome
    assert _untouched()
    assert STAGE not in bpy.data.scenes
    bpy.ops.ed.undo_push(message="removed")
    yield from driver.press("ESC")  # the report lies under the pointer
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: "Performance" in bpy.data.objects, 20)
    yield


def _baked(name: str) -> driver.Steps:
    took: list[float] = []
    module: Any = sys.modules[f"{name}.operators.conversion_steps"]
    convert_steps = module.convert_steps

    def timed(order: Any) -> Any:
        going = convert_steps(order)
        while True:
            began = time.perf_counter()
            try:
                now = next(going)
            except StopIteration as end:
                return end.value
            finally:
                took.append(time.perf_counter() - began)
            yield now

    module.convert_steps = timed
    _call("bake_solve")
    yield from driver.wait_for("bake", lambda: not _state(name).running, 120)
    print("outcome:", _state(name).outcome, flush=True)
    module.convert_steps = convert_steps
    print(f"{len(took)} steps, the longest {1000 * max(took):.0f} ms", flush=True)
    assert not _state(name).failed, _state(name).outcome
    assert not _untouched()
    yield from driver.redrawn()
    driver.shot("conversion_2_baked")
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", _untouched, 20)
    yield from driver.press("Z", ctrl=True, shift=True)
    yield from driver.wait_for("redo", lambda: not _untouched(), 20)
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", _untouched, 20)
    yield


def _live(name: str) -> driver.Steps:
    head: Any = bpy.data.objects["Facewright Head"]
    keys = head.data.shape_keys.key_blocks
    before = [key.value for key in keys]
    _call("set_up_solve")
    yield from driver.wait_for("set up", lambda: not _state(name).running, 60)
    assert _conversion().live, _state(name).outcome
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.screen.animation_play()
    seen: set[float] = set()

    def moves() -> bool:
        seen.add(round(_key("jawOpen").value, 4))
        return len(seen) > 4

    yield from driver.wait_for("the keys to follow while playing", moves, 60)
    driver.shot("conversion_3_live")
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.screen.animation_cancel(restore_frame=False)
    bpy.context.scene.frame_set(100)
    yield from _settled(100)
    _call("set_up_solve")
    yield
    yield
    keys = bpy.data.objects["Facewright Head"].data.shape_keys.key_blocks
    assert [key.value for key in keys] == before
    assert not _conversion().live


def _key(name: str) -> Any:
    head: Any = bpy.data.objects["Facewright Head"]
    return head.data.shape_keys.key_blocks[name]


def _settled(frame: int) -> driver.Steps:
    """The keys show what the input's own say on a frame."""
    names = ("jawOpen", "mouthSmileLeft", "browInnerUp")

    def near() -> bool:
        keys = [bpy.data.objects[each].data.shape_keys.key_blocks
                for each in ("Facewright Head", "Performance")]  # fmt: skip
        return all(abs(keys[0][name].value - keys[1][name].value) < 0.15 for name in names)

    yield from driver.wait_for(f"frame {frame}", near, 20)


driver.run(script, limit_s=280)
