# SPDX-License-Identifier: GPL-3.0-or-later
"""Two characters in a real window: side by side, a copied scene, a dropped voice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "trixie"

KEY = {"type": "J", "value": "PRESS", "ctrl": True, "shift": True}


def script() -> driver.Steps:
    extension = driver.install()
    yield
    _let_a_key_drop_the_voice()
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    yield from _two_heads()
    yield from _copied_scene()
    yield from _dropped(extension)


def _let_a_key_drop_the_voice() -> None:
    """Dropping ends in the operator's invoke with the pointer where it is, as a key does."""
    keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
    items = keymaps.new(name="3D View", space_type="VIEW_3D").keymap_items
    items.new("facewright.drop_voice", **KEY).properties.filepath = driver.VOICE


def _two_heads() -> driver.Steps:
    for _ in range(2):
        with bpy.context.temp_override(**driver.viewport()):
            bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT", character="HEAD")
        yield
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    for _ in range(6):
        yield
    first, second = (character.skin for character in _chosen().characters)
    assert second.location.x - first.location.x >= first.dimensions.x
    assert len(_chosen().pipelines) == 2 and _chosen().active_pipeline == 1
    driver.shot("two_heads")


def _copied_scene() -> driver.Steps:
    bpy.ops.ed.undo_push(message="two heads")
    bpy.ops.scene.new(type="FULL_COPY")
    yield
    yield
    assert len(bpy.data.scenes) == 2
    ids = [item.id for scene in bpy.data.scenes for item in _items(scene)]
    assert len(ids) == 12 and len(set(ids)) == 12, ids
    bpy.ops.scene.delete()
    yield
    yield


def _dropped(extension: Any) -> driver.Steps:
    """On the first head, while the second one's pipeline is shown."""
    view = driver.viewport()
    first, second = (character.skin for character in _chosen().characters)
    bpy.context.view_layer.objects.active = second
    place = location_3d_to_region_2d(
        view["region"], view["area"].spaces.active.region_3d, first.location
    )
    x, y = round(view["region"].x + place.x), round(view["region"].y + place.y)
    driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    for value in ("PRESS", "RELEASE"):
        driver.window().event_simulate(type="J", value=value, x=x, y=y, ctrl=True, shift=True)
    yield
    yield
    state = sys.modules[f"{extension.__name__}.properties.progress"].STATE
    yield from driver.wait_for("the animation to end", lambda: not state.running, 120)
    assert not state.failed, state.outcome
    chosen = _chosen()
    assert chosen.active_pipeline == 0, "another pipeline speaks"
    assert chosen.players[0].voice_path == driver.VOICE and chosen.players[1].voice_path == ""
    assert first.data.shape_keys.animation_data and not second.data.shape_keys.animation_data
    driver.shot("dropped")
    yield


def _chosen() -> Any:
    return bpy.context.scene.facewright


def _items(scene: Any) -> list[Any]:
    chosen = scene.facewright
    return [*chosen.players, *chosen.pipelines, *chosen.characters]


driver.run(script)
