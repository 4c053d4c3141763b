# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling and disabling is reversible: twice in a row, nothing of ours is left in Blender."""

from __future__ import annotations

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


KINDS = {
    "class": classes,
    "operator": operators,
    "property": properties,
    "handler": handlers,
    "key": keymaps,
    "menu entry": menu_entries,
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
