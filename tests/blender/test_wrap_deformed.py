# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap tool and meshes that something deforms already: left, replaced, or switched off."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from deformers import DEFORMERS, foreign_nodes, own_wrap
from layouts import Layout
from wrap_tool import BEGIN, FINISHED, bent
from wraps import bend, moved_by, now_of


@pytest.fixture(params=DEFORMERS)
def deformed(request, filled, face, hairs):
    """The first mesh is deformed already; the modifier that does it, and its name."""
    modifier = DEFORMERS[request.param](hairs[0])
    return SimpleNamespace(obj=hairs[0], modifier=modifier, name=modifier.name)


def test_leave_changes_nothing(deformed, face, hairs, modifiers):
    before = [each.name for each in deformed.obj.modifiers]
    assert BEGIN(answers="LEAVE") == FINISHED
    assert [each.name for each in deformed.obj.modifiers] == before
    assert deformed.modifier.show_viewport and deformed.modifier.show_render
    assert modifiers.wrap_of(hairs[1]) is not None


def test_it_is_left_where_nothing_was_answered(deformed, modifiers):
    before = [each.name for each in deformed.obj.modifiers]
    assert BEGIN() == FINISHED
    assert [each.name for each in deformed.obj.modifiers] == before


def test_replace_deletes_what_was_there(deformed, face, hairs, modifiers):
    assert BEGIN(answers=json.dumps({"Beard": "REPLACE"})) == FINISHED
    (only,) = deformed.obj.modifiers
    assert modifiers.driver_of(only) == face
    _follows_only(deformed.obj, face)


def test_add_keeps_it_switched_off(deformed, face, hairs, modifiers):
    assert BEGIN(answers=json.dumps({"Beard": "add"})) == FINISHED
    first, second = deformed.obj.modifiers
    assert modifiers.driver_of(first) == face and first.show_viewport and first.show_render
    assert not second.show_viewport and not second.show_render
    assert second.type == deformed.modifier.type
    _follows_only(deformed.obj, face)


def _follows_only(obj: Any, face: Any) -> None:
    assert moved_by(obj) < 1e-5
    bent(face)
    assert moved_by(obj) > 0.1


def test_a_wrap_that_was_added_over_still_works(filled, face, hairs, modifiers):
    """Its binding is kept beside the new one: switched on again, it does what it did."""
    old = own_wrap(hairs[0])
    bend(bpy.data.objects["Another"])
    moved = now_of(hairs[0])
    BEGIN(answers="ADD")
    new, old = hairs[0].modifiers
    assert moved_by(hairs[0]) < 1e-5
    new.show_viewport, old.show_viewport = False, True
    assert np.abs(now_of(hairs[0]) - moved).max() < 1e-5


def test_what_deforms_nothing_is_not_asked_for(filled, face, hairs, code):
    hairs[0].modifiers.new("Bare", "ARMATURE")  # without a rig
    hairs[0].modifiers.new("Smooth", "SMOOTH").factor = 0.0
    off = foreign_nodes(hairs[0])
    off.show_viewport = off.show_render = False
    assert code("scene.deformers").deformers_of(hairs[0]) == []
    assert BEGIN() == FINISHED
    _follows_only(hairs[0], face)


class Asked(list[Any]):
    """A stand-in for the operator's rows."""

    def add(self) -> Any:
        self.append(SimpleNamespace(choice=""))
        return self[-1]


def test_the_dialog_asks_for_each_mesh(code, filled, face, hairs):
    """Its rows name the mesh and what deforms it; our own wrap to the same driver is renewed."""
    BEGIN()
    hairs[1].modifiers.clear()
    foreign_nodes(hairs[1])
    operator = code("operators.wrap").FACEWRIGHT_OT_wrap_begin
    rows = Asked()
    manager = SimpleNamespace(invoke_props_dialog=lambda *_a, **_o: {"RUNNING_MODAL"})
    context = SimpleNamespace(
        scene=bpy.context.scene,
        active_object=None,
        selected_objects=[],
        mode="OBJECT",
        window_manager=manager,
    )
    shown: list[str] = []
    stand_in = SimpleNamespace(answers="", asked=rows, layout=Layout(shown))
    assert operator.invoke(stand_in, context, None) == {"RUNNING_MODAL"}
    assert [(row.name, row.choice) for row in rows] == [("Beard", "REPLACE"), ("Brows", "LEAVE")]
    operator.draw(stand_in, context)
    assert any("Brows" in text and "Nodes" in text for text in shown)
