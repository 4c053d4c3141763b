# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio player in a real window: the waveform strip by mouse, its keys, and playback."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver
import strip_mouse
from strip_mouse import Here

ONLY = "sid"


def script() -> driver.Steps:
    here = Here(driver.install())
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT", character="HEAD")
    yield from _show_panel(here)
    view = driver.area("VIEW_3D").spaces.active
    view.shading.color_type = "VERTEX"
    yield from driver.wait_for(
        "the view to come near", lambda: view.region_3d.view_distance < 1.0, 10
    )
    yield
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
    here.player.voice_source = "FILE"  # instead of the sample that a new pipeline speaks
    assert not here.view, "there is a strip without a voice"
    _keys_are_the_users(here)
    folder = Path(driver.VOICE).parent
    here.player.track_root = str(folder)
    here.player.track = Path(driver.VOICE).name
    yield from driver.wait_for("the waveform", lambda: bool(here.view) and here.view.ready, 60)
    yield
    driver.shot("player_1_strip")
    bpy.ops.ed.undo_push(message="track chosen")  # what scripts do is no step of its own
    yield
    yield from _click_and_scrub(here)
    yield from _range_by_keys(here)
    yield from _keys_elsewhere(here)
    yield from _drag_the_range(here)
    yield from _zoom(here)
    yield from _play(here)
    yield from _other_modes(here)
    yield from _without(here)


def _keys_are_the_users(here: Here) -> None:
    """The keys stand in the keymap "3D View", where they can be changed and tooltips find them."""
    configs = bpy.context.window_manager.keyconfigs
    with bpy.context.temp_override(**driver.viewport()):
        for name, key in (
            ("facewright.play", "P"),
            ("facewright.return_to_start", "R"),
            ("facewright.loop", "L"),
            ("facewright.range_start_here", "LEFT_BRACKET"),
            ("facewright.range_end_here", "RIGHT_BRACKET"),
        ):
            keymap, item = configs.find_item_from_operator(name, context="INVOKE_REGION_WIN")
            assert (keymap.name, item.type) == ("3D View", key), name
            classes = vars(here.module("operators.player")).values()
            (button,) = [each for each in classes if getattr(each, "bl_idname", "") == name]
            item.type = "J"
            tooltip = button.description(bpy.context, None)
            assert tooltip.endswith("waveform: J"), tooltip
            item.type = key


def _show_panel(here: Here) -> driver.Steps:
    """Open the player's panel, which is closed at first as all of them are."""
    panel = here.module("panels.player").FACEWRIGHT_PT_player
    bpy.utils.unregister_class(panel)
    panel.bl_options = set()
    bpy.utils.register_class(panel)
    yield from driver.open_sidebar("Facewright")


def _near(frame: int, wanted: int) -> bool:
    return abs(frame - wanted) <= 1


def _click_and_scrub(here: Here) -> driver.Steps:
    scene = bpy.context.scene
    for row, seconds in (("wave", 1.0), ("emotion", 2.0), ("ruler", 0.5)):
        yield from driver.click(*here.at(seconds, row))
        assert _near(scene.frame_current, here.frame_of(seconds)), (row, scene.frame_current)
    assert bpy.context.selected_objects, "a click on the strip has reached the scene"
    yield from strip_mouse.drag(here.at(1.0), here.at(2.5))
    assert _near(scene.frame_current, here.frame_of(2.5)), scene.frame_current
    yield from strip_mouse.drag(here.at(2.5), here.at(0.5), release="ESC")
    assert _near(scene.frame_current, here.frame_of(2.5)), "Esc did not bring the frame back"
    yield from driver.press("Z", ctrl=True)
    assert not _near(bpy.context.scene.frame_current, here.frame_of(2.5)), "not undone"


def _range_by_keys(here: Here) -> driver.Steps:
    scene = bpy.context.scene
    scene.frame_current = here.frame_of(0.75)
    yield from strip_mouse.key("LEFT_BRACKET", *here.at(2.0))
    scene.frame_current = here.frame_of(2.0)
    yield from strip_mouse.key("RIGHT_BRACKET", *here.at(1.0))
    player = here.player
    assert abs(player.range_start - 0.75) < 0.05, player.range_start
    assert abs(player.range_end - 2.0) < 0.05, player.range_end
    yield from strip_mouse.hover(*here.at(player.range_start))
    driver.shot("player_2_range")
    yield from strip_mouse.key("R", *here.at(1.5))
    assert scene.frame_current == here.frame_of(player.range_start)
    loop = player.loop
    yield from strip_mouse.key("L", *here.at(1.5))
    assert here.player.loop is not loop
    yield from strip_mouse.key("L", *here.at(1.5))
    assert here.player.loop is loop


def _keys_elsewhere(here: Here) -> driver.Steps:
    scene, player = bpy.context.scene, here.player
    place = driver.viewport()["region"]
    x, y = place.x + place.width // 2, place.y + int(here.view.strip.box.top) + 40
    scene.frame_current = here.frame_of(1.5)
    before = (scene.frame_current, player.loop, *player.range_s)
    for key in ("LEFT_BRACKET", "RIGHT_BRACKET", "L", "P", "R"):
        yield from strip_mouse.key(key, x, y)
        assert not here.module("operators.playing").is_playing(), key
    after = (scene.frame_current, player.loop, *here.player.range_s)
    assert after == before, after
    operators = [each.bl_idname for each in driver.window().modal_operators]
    assert "TRANSFORM_OT_rotate" in operators, "R beside the strip no longer rotates"
    yield from strip_mouse.key("ESC", x, y)


def _drag_the_range(here: Here) -> driver.Steps:
    player = here.player
    end = player.range_end
    yield from strip_mouse.drag(here.at(player.range_start), here.at(1.25))
    assert abs(player.range_start - 1.25) < 0.05, player.range_start
    assert player.range_end == end
    yield from strip_mouse.drag(here.at(player.range_end), here.at(2.6), release="ESC")
    assert player.range_end == end, "Esc did not bring the range back"
    length = here.view.time.duration_s
    yield from strip_mouse.drag(here.at(player.range_end), here.at(length + 1.0))
    assert here.player.range_end == -1.0, here.player.range_end
    yield from driver.press("Z", ctrl=True)
    assert here.player.range_end == end, "the range's drag cannot be undone"


def _zoom(here: Here) -> driver.Steps:
    def span() -> tuple[float, float]:
        axis = here.view.strip.axis
        return axis.first_s, axis.last_s

    whole, distance = span(), driver.area("VIEW_3D").spaces.active.region_3d.view_distance
    x, y = here.at(1.5)
    for _ in range(3):
        yield from strip_mouse.key("WHEELUPMOUSE", x, y)
    near = span()
    assert whole[0] < near[0] < 1.5 < near[1] < whole[1], near
    driver.shot("player_3_zoomed")
    for _ in range(5):
        yield from strip_mouse.key("WHEELDOWNMOUSE", x, y)
    assert span() == whole
    assert driver.area("VIEW_3D").spaces.active.region_3d.view_distance == distance


def _play(here: Here) -> driver.Steps:
    scene, playing = bpy.context.scene, here.module("operators.playing")
    player = here.player
    player.range_start, player.range_end, player.loop = 0.5, 2.5, True
    scene.frame_preview_start, scene.frame_preview_end = 5, 60
    scene.use_preview_range = False
    own = (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end)
    scene.frame_current = here.frame_of(1.5)
    yield from strip_mouse.key("P", *here.at(1.0))
    assert playing.is_playing(), "P over the strip did not play"
    for _ in range(6):
        yield
    first, last = here.frame_of(0.5), here.frame_of(2.5)
    assert first <= scene.frame_current <= last
    driver.shot("player_4_playing")
    yield from strip_mouse.key("P", *here.at(1.0))
    assert not playing.is_playing(), "P did not pause"
    after = (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end)
    assert after == own
    player.loop = False
    scene.frame_current = here.frame_of(2.0)
    yield from strip_mouse.key("P", *here.at(1.0))
    yield from driver.wait_for("the range to end", lambda: not playing.is_playing(), 60)
    assert _near(scene.frame_current, last), scene.frame_current
    yield
    after = (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end)
    assert after == own


def _other_modes(here: Here) -> driver.Steps:
    """In edit mode P, L and [ mean something else beside the strip, not over it."""
    scene = bpy.context.scene
    head = scene.facewright.characters[0].skin
    bpy.context.view_layer.objects.active = head
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.object.mode_set(mode="EDIT")
    yield
    yield
    loop = here.player.loop
    yield from strip_mouse.key("L", *here.at(1.5))
    assert here.player.loop is not loop
    scene.frame_current = here.frame_of(1.0)
    yield from strip_mouse.key("LEFT_BRACKET", *here.at(1.5))
    assert abs(here.player.range_start - 1.0) < 0.05
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.object.mode_set(mode="OBJECT")
    yield


def _without(here: Here) -> driver.Steps:
    """Without the strip the pointer is over nothing, and the place is the scene's again."""
    spot, frame = here.at(2.0), here.frame_of(1.0)
    here.player.show_strip = False
    bpy.context.scene.frame_current = frame
    yield
    assert here.view is None
    yield from driver.click(*spot)
    assert bpy.context.scene.frame_current == frame
    yield from strip_mouse.key("P", *spot)
    assert not here.module("operators.playing").is_playing()
    driver.shot("player_5_hidden")


driver.run(script)
