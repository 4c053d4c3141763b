# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs picked by mouse in a real window: added, dragged, deleted, undone, saved and loaded; the
mode leaves nothing behind."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver
import strip_mouse

ONLY = "sid"
_SIDES = ("Left", "Right")
NAMES = ("Chin", "Nose tip", "Nose base", "Nose root", "Upper lip")


class Here:
    """The extension's modules, the transfer, and pixels of both looks."""

    def __init__(self, extension: Any) -> None:
        self._name = extension.__name__

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self._name}.{name}")

    @property
    def transfer(self) -> Any:
        return bpy.context.scene.facewright.transfer

    @property
    def session(self) -> Any:
        return self.module("operators.correspondence_session").SESSION

    def pixel(self, side: str, spot: Any) -> tuple[int, int]:
        """Window pixels of a point in a look."""
        pane, region = self.session.panes[side], driver.viewport()["region"]
        x, y = self.module("operators.correspondence_look").pixel_of(pane, spot)
        return round(region.x + x), round(region.y + y)

    def point(self, place: int, side: str) -> tuple[int, int]:
        """Window pixels of a pair's point in a look."""
        spot = self.module("scene.correspondences").spot_of(self.transfer.pairs[place], side)
        return self.pixel(side, spot)

    def empty(self, side: str) -> tuple[int, int]:
        """Window pixels beside the mesh of a look."""
        box, region = self.session.panes[side].view.box, driver.viewport()["region"]
        return round(region.x + box.x + 30), round(region.y + box.y + 30)


def script() -> driver.Steps:
    here = Here(driver.install())
    yield
    _scene(here)
    yield from _show_panel(here)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    yield from driver.redrawn()
    driver.shot("pairs_1_before")
    bpy.ops.ed.undo_push(message="meshes")
    before = _state()
    yield from _begin("ADD")
    assert here.session.running
    driver.shot("pairs_2_begin")
    assert _state() == before, "the mode has changed the scene"
    yield from _add_five(here)
    yield from _undo_in_the_mode(here)
    yield from _look_round(here)
    yield from _drag(here)
    yield from _select(here)
    yield from _delete(here)
    yield from _leave(here, before)
    yield from _in_the_scene(here)
    yield from _save_and_load(here)
    yield from _mirrored(here)
    yield from _ends_by_itself(here)


def _scene(here: Here) -> None:
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    collection = bpy.context.collection
    head = here.module("scene.template_head").add_template_head(collection, open_mouth=True)
    target = here.module("scene.sample_target").add_sample_target(collection, (0.3, 0, 0))
    transfer = bpy.context.scene.facewright.add_transfer("Sample")
    transfer.driver, transfer.open_mouth = head.skin, head.open_mouth
    transfer.target = target["skin"]
    for obj in bpy.data.objects:
        obj.modifiers.clear()  # what the looks cover is drawn too, slowly without a GPU
    view = driver.area("VIEW_3D").spaces.active
    view.shading.color_type = "VERTEX"


def _show_panel(here: Here) -> driver.Steps:
    for module, name in (
        ("panels.transfer", "FACEWRIGHT_PT_transfer"),
        ("panels.correspondences", "FACEWRIGHT_PT_correspondences"),
    ):
        panel = getattr(here.module(module), name)
        bpy.utils.unregister_class(panel)
        panel.bl_options, panel.bl_order = set(), -5
        bpy.utils.register_class(panel)
    yield from driver.open_sidebar("Facewright")


def _begin(mode: str) -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.pick_pairs("INVOKE_DEFAULT", mode=mode)
    yield
    yield


def _state() -> Any:
    """Everything that a mode of another kind would have touched."""
    view = driver.area("VIEW_3D").spaces.active
    return (
        [
            (obj.name, obj.hide_viewport, obj.hide_get(), obj.select_get(), tuple(obj.location))
            for obj in bpy.context.view_layer.objects
        ],
        bpy.context.mode,
        view.local_view is None,
        [round(value, 5) for row in view.region_3d.view_matrix for value in row],
        len(driver.window().screen.areas),
        (view.show_gizmo, view.overlay.show_overlays),
    )


def _add_five(here: Here) -> driver.Steps:
    hints = here.session.hints
    for number, name in enumerate(NAMES):
        assert here.session.name == name, (here.session.name, name)
        x, y = here.pixel("driver", hints[name])
        yield from _click(x, y)
        assert here.session.pending is not None, here.session.said
        assert len(here.transfer.pairs) == number
        if number == 2:
            driver.shot("pairs_3_second_half")
        x, y = _like(here, hints[name])
        yield from _click(x, y)
        assert [pair.name for pair in here.transfer.pairs] == list(NAMES[: number + 1])
    driver.shot("pairs_4_five")


def _like(here: Here, hint: Any) -> tuple[int, int]:
    """About the same place of the target, as an eye finds it: in the same part of its box."""
    driver_mesh, target = (here.session.panes[side] for side in ("driver", "target"))
    place = hint.on(driver_mesh.mesh.points)
    share = (place - driver_mesh.mesh.points.min(axis=0)) / (
        driver_mesh.mesh.points.max(axis=0) - driver_mesh.mesh.points.min(axis=0)
    )
    low, high = target.mesh.points.min(axis=0), target.mesh.points.max(axis=0)
    x, y, _ = target.view.seen(low + share * (high - low))
    region = driver.viewport()["region"]
    return round(region.x + x), round(region.y + y)


def _undo_in_the_mode(here: Here) -> driver.Steps:
    x, y = here.empty("driver")
    yield from _key("Z", x, y, ctrl=True)
    assert here.session.running, "undo has left the mode"
    assert len(here.transfer.pairs) == 4, len(here.transfer.pairs)
    assert here.session.name == NAMES[4]
    yield from _key("Z", x, y, ctrl=True, shift=True)
    assert here.session.running and len(here.transfer.pairs) == 5
    yield from _click(*here.pixel("driver", here.session.hints["Lower lip"]))
    assert here.session.pending is not None
    yield from _key("Z", x, y, ctrl=True)
    assert here.session.pending is None and len(here.transfer.pairs) == 5


def _look_round(here: Here) -> driver.Steps:
    x, y = here.point(1, "target")
    yield from _key("WHEELUPMOUSE", x, y)
    yield from _key("WHEELUPMOUSE", x, y)
    near = here.point(1, "target")
    assert abs(near[0] - x) <= 3 and abs(near[1] - y) <= 3, "the zoom is not about the pointer"
    driver.shot("pairs_5_zoomed")
    yield from _key("NUMPAD_3", x, y)
    yaws = [pane.yaw for pane in here.session.panes.values()]
    assert yaws[0] == yaws[1] > 1, "the looks do not turn together"
    driver.shot("pairs_6_side")
    yield from _key("HOME", x, y)
    yield from _key("TAB", x, y)
    assert here.session.mode == "EDIT"


def _drag(here: Here) -> driver.Steps:
    begin = here.point(0, "target")
    corners = tuple(here.transfer.pairs[0].target_corners)
    yield from strip_mouse.drag(begin, (begin[0] + 30, begin[1] + 12))
    assert tuple(here.transfer.pairs[0].target_corners) != corners
    end = here.point(0, "target")
    assert abs(end[0] - begin[0] - 30) <= 3 and abs(end[1] - begin[1] - 12) <= 3, (begin, end)
    driver.shot("pairs_7_dragged")
    yield from strip_mouse.drag(end, (end[0] - 40, end[1]), release="ESC")
    assert here.session.running and here.point(0, "target") == end, "Esc did not bring it back"
    yield from _key("Z", *here.empty("driver"), ctrl=True)
    assert tuple(here.transfer.pairs[0].target_corners) == corners, "the drag is not one step"
    assert here.session.running


def _select(here: Here) -> driver.Steps:
    chosen = here.module("scene.correspondences").selected
    yield from _click(*here.point(2, "driver"))
    assert chosen(here.transfer) == [2] and here.transfer.active_pair == 2
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.select_pair(place=4, how="RANGE")
    assert chosen(here.transfer) == [2, 3, 4]
    yield from driver.redrawn()
    driver.shot("pairs_8_selected")
    yield from _key("PERIOD", *here.empty("driver"))
    yield from driver.redrawn()
    driver.shot("pairs_9_framed")
    yield from _key("HOME", *here.empty("driver"))
    yield from _click(*here.empty("target"))
    assert chosen(here.transfer) == []


def _delete(here: Here) -> driver.Steps:
    yield from _click(*here.point(3, "target"))
    yield from _key("X", *here.empty("target"))
    assert [pair.name for pair in here.transfer.pairs] == [*NAMES[:3], NAMES[4]]
    yield from _key("Z", *here.empty("target"), ctrl=True)
    assert [pair.name for pair in here.transfer.pairs] == list(NAMES)


def _leave(here: Here, before: Any) -> driver.Steps:
    yield from _key("ESC", *here.empty("target"))
    assert not here.session.running
    yield from driver.redrawn()
    assert _state() == before, (_state(), before)
    assert not [each.bl_idname for each in driver.window().modal_operators]


def _in_the_scene(here: Here) -> driver.Steps:
    here.transfer.open_mouth.hide_viewport = False
    here.transfer.open_mouth.location.x = -0.3
    yield from driver.redrawn()
    driver.shot("pairs_10_scene")
    here.transfer.open_mouth.hide_viewport = True
    yield


def _save_and_load(here: Here) -> driver.Steps:
    path = Path(os.environ["HOME"]) / "mine.json"
    bpy.ops.facewright.save_setup(filepath=str(path))
    assert [pair["name"] for pair in json.loads(path.read_text())["pairs"]] == list(NAMES)
    places = [tuple(pair.target_corners) for pair in here.transfer.pairs]
    bpy.ops.facewright.clear_pairs()
    assert not len(here.transfer.pairs)
    bpy.ops.facewright.load_setup(filepath=str(path))
    assert [tuple(pair.target_corners) for pair in here.transfer.pairs] == places
    yield from driver.redrawn()


def _mirrored(here: Here) -> driver.Steps:
    """The hinted place of the driver is taken where the target is clicked at once."""
    yield from _begin("ADD")
    x, y = here.empty("driver")
    yield from _key("M", x, y)
    assert here.transfer.pick_mirrored
    while here.session.name != "Left mouth corner":
        yield from _key("N", x, y)
    yield from _click(*_like(here, here.session.hint))
    names = [pair.name for pair in here.transfer.pairs]
    assert sorted(names[5:]) == ["Left mouth corner", "Right mouth corner"], names
    places = [here.point(names.index(f"{side} mouth corner"), "target") for side in _SIDES]
    middle = here.point(names.index("Nose tip"), "target")[0]
    left, right = (place[0] - middle for place in places)
    assert left > 10 and abs(left + right) <= 4 and abs(places[0][1] - places[1][1]) <= 4
    driver.shot("pairs_11_mirrored")
    yield from _key("Z", x, y, ctrl=True)
    assert len(here.transfer.pairs) == 5, "both are one step"
    yield from _key("ESC", x, y)
    assert not here.session.running


def _ends_by_itself(here: Here) -> driver.Steps:
    """Whatever happens meanwhile: an area that becomes another editor, a transfer removed, a file
    loaded, the extension switched off."""
    yield from _begin("EDIT")
    view = driver.area("VIEW_3D")
    view.type = "CONSOLE"
    strip_mouse.move(500, 400)
    yield
    assert not here.session.running
    view.type = "VIEW_3D"
    yield
    yield
    yield from _begin("EDIT")
    scene = bpy.context.scene.facewright
    scene.remove_transfer(scene.transfer)
    strip_mouse.move(500, 400)
    yield
    yield
    assert not here.session.running
    _scene(here)
    yield from _begin("ADD")
    assert here.session.running
    bpy.ops.wm.read_homefile(app_template="")
    yield
    yield
    assert not here.session.running
    _scene(here)
    yield from _begin("ADD")
    session = here.session
    assert session.running
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.facewright")
    strip_mouse.move(520, 410)
    yield
    yield
    assert not session.running
    assert not [each.bl_idname for each in driver.window().modal_operators]
    driver.shot("pairs_12_switched_off")


def _click(x: int, y: int) -> driver.Steps:
    send = driver.window().event_simulate
    send(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    for value in ("PRESS", "RELEASE"):
        send(type="LEFTMOUSE", value=value, x=x, y=y)
    yield
    yield


def _key(key: str, x: int, y: int, **held: bool) -> driver.Steps:
    strip_mouse.move(x, y)
    for value in ("PRESS", "RELEASE"):
        driver.window().event_simulate(type=key, value=value, x=x, y=y, **held)
    yield
    yield


driver.run(script)
