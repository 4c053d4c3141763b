# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar in German, in a Blender that has languages; and English again afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "sid"

MODULE = "bl_ext.user_default.facewright"


def script() -> driver.Steps:
    driver.install()
    yield
    view = bpy.context.preferences.view
    view.use_translate_interface = view.use_translate_tooltips = True
    bpy.context.preferences.system.use_region_overlap = False
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    yield from _in_german(view)
    view.language = "en_US"
    yield from driver.redrawn()
    assert _said("Attached Meshes") == "Attached Meshes"
    yield from _gone(view)


def _in_german(view: bpy.types.PreferencesView) -> driver.Steps:
    view.language = "de_DE"
    yield from driver.redrawn()
    driver.shot_of_sidebar("german_begin")
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT", character="HEAD")
    yield from driver.redrawn()
    driver.shot_of_sidebar("german")
    assert _said("Attached Meshes") == "Zugehörige Meshes"
    assert _said("Animate All", "Operator") == "Alle animieren"


def _gone(view: bpy.types.PreferencesView) -> driver.Steps:
    """Disabled, the extension takes its texts with it."""
    bpy.ops.preferences.addon_disable(module=MODULE)
    view.language = "de_DE"
    yield
    assert _said("Attached Meshes") == "Attached Meshes"


def _said(text: str, context: str = "*") -> str:
    return bpy.app.translations.pgettext_iface(text, context)


driver.run(script)
