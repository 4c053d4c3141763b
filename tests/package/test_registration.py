# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling and disabling is reversible: twice in a row, nothing of ours is left in Blender."""

from __future__ import annotations

import inspect
import sys
import time

import addon_utils
import bpy
import pytest

NATIVE = ("onnxruntime", "scipy", "soundfile", "sounddevice", "grpc")


def traces() -> set[str]:
    """Everything in Blender that carries our name or our code."""
    return {f"{kind}: {name}" for kind, found in KINDS.items() for name in found()}


def classes() -> list[str]:
    return [name for name in dir(bpy.types) if name.upper().startswith("FACEWRIGHT")]


def operators() -> list[str]:
    return dir(bpy.ops.facewright)


def properties() -> list[str]:
    kinds = [bpy.types.WindowManager, *bpy.types.ID.__subclasses__()]
    return [
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name in kind.bl_rna.properties.keys()  # noqa: SIM118 - not a dict
        if "facewright" in name
    ]


def handlers() -> list[str]:
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    return [
        f"{name} {handler.__name__}"
        for name, listed in lists.items()
        if isinstance(listed, list)
        for handler in listed
        if "facewright" in handler.__module__
    ]


def keymaps() -> list[str]:
    configuration = bpy.context.window_manager.keyconfigs.addon
    return [
        f"{keymap.name} {item.idname}"
        for keymap in (configuration.keymaps if configuration else ())
        for item in keymap.keymap_items
        if item.idname.startswith("facewright")
    ]


def menu_entries() -> list[str]:
    found = []
    for kind in (bpy.types.Menu, bpy.types.Panel, bpy.types.Header):
        for menu in kind.__subclasses__():
            for function in getattr(getattr(menu, "draw", None), "_draw_funcs", ()):
                if "facewright" in function.__module__:
                    found.append(f"{menu.__name__} {function.__name__}")
    return found


def listeners() -> list[str]:
    """Functions of ours that our own lists call."""
    lists = {
        "properties.changes": "LISTENERS",
        "operators.voices": "LISTENERS",
        "operators.strip": "_items",
        "operators.running": "_going",
        "panels.strip": "_handles",
    }
    return [f"{module} {one}" for module, name in lists.items() for one in ours(module, name)]


def ours(module: str, name: str) -> list[str]:
    """What a list of one of our modules holds, by names that do not change."""
    found = next((each for key, each in sys.modules.items() if key.endswith(f".{module}")), None)
    return [getattr(one, "__module__", name) for one in getattr(found, name)] if found else []


def timers() -> list[str]:
    """Functions of ours that Blender would call later."""
    found = []
    for key, module in tuple(sys.modules.items()):
        if ".facewright.operators." in key:
            for name, one in vars(module).items():
                if inspect.isfunction(one) and bpy.app.timers.is_registered(one):
                    found.append(f"{key} {name}")
    return found


KINDS = {
    "class": classes,
    "operator": operators,
    "property": properties,
    "handler": handlers,
    "key": keymaps,
    "menu entry": menu_entries,
    "listener": listeners,
    "timer": timers,
}


@pytest.fixture
def name(extension) -> str:
    return extension.__name__


def test_twice_on_and_off_leaves_nothing(name):
    enabled = traces()
    assert enabled, "the extension registered nothing"
    for _ in range(2):
        addon_utils.disable(name)
        assert not traces()
        addon_utils.enable(name)
        assert traces() == enabled


def test_no_timer_and_no_task_is_left_behind(name, extension):
    """Those that begin later: in background nothing starts them by itself."""
    modules = sys.modules
    watch, playing, status, pump = (
        modules[f"{name}.operators.{each}"]
        for each in ("scene_watch", "playing", "take_status", "pump")
    )
    for one in (watch._soon, playing._stop_at_end, status._tick, pump._tick):
        bpy.app.timers.register(one, first_interval=60.0, persistent=True)

    class Task:
        holds_worker = False
        ended = False

        def step(self) -> bool:
            return True

        def cancel(self) -> None:
            self.ended = True

    pump.add(task := Task())
    assert len(timers()) == 4
    addon_utils.disable(name)
    assert not traces()
    assert task.ended and not pump._pump.tasks
    addon_utils.enable(name)


def test_a_failure_half_way_leaves_nothing(name, monkeypatch):
    addon_utils.disable(name)
    registration = sys.modules[f"{name}.registration"]
    modules = registration._modules()

    class Broken:
        __name__ = "broken"

        @staticmethod
        def register() -> None:
            raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(registration, "_modules", lambda: (*modules, Broken))
        with pytest.raises(RuntimeError, match="on purpose"):
            registration.register()
    assert not traces()
    addon_utils.enable(name)


def test_enabling_loads_no_native_library_and_is_quick(name, report):
    addon_utils.disable(name)
    began = time.perf_counter()
    addon_utils.enable(name)
    report(f"enabling took {(time.perf_counter() - began) * 1e3:.0f} ms (aim: below 100 ms)")
    assert not [module for module in sys.modules if module.split(".")[0] in NATIVE]


def test_a_fresh_import_is_quick(name, report):
    """The first enabling also reads the extension's files."""
    addon_utils.disable(name)
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]
    began = time.perf_counter()
    addon_utils.enable(name)
    report(f"first enabling took {(time.perf_counter() - began) * 1e3:.0f} ms")
    assert traces()
