# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap tool with a face and two meshes around it, for its tests."""

from __future__ import annotations

from typing import Any

import bpy
import pytest
from wraps import DRIVEN_PLACE, DRIVER_PLACE, ball, bend

FINISHED = {"FINISHED"}
BEGIN = bpy.ops.facewright.wrap_begin


@pytest.fixture
def modifiers(code):
    return code("scene.wrap_modifier")


@pytest.fixture
def tool(scene):
    return scene.facewright.wrap


@pytest.fixture
def face(scene):
    """A driver that can bend."""
    obj = ball("Face", 14, place=DRIVER_PLACE)
    obj["key"] = bend(obj, 0.0).name
    return obj


@pytest.fixture
def hairs(scene):
    """Two meshes around it."""
    return [ball(name, 9, 1.1, DRIVEN_PLACE, seed) for seed, name in enumerate(("Beard", "Brows"))]


@pytest.fixture
def filled(tool, face, hairs):
    """The tool with its fields filled."""
    tool.driver = face
    for obj in hairs:
        tool.driven.add().object = obj
    return tool


def bent(face: Any, value: float = 1.0) -> None:
    """Show so much of the face's key."""
    face.data.shape_keys.key_blocks["Bent"].value = value


def select_only(active: Any, *others: Any) -> None:
    """Select these objects and no others; the first is the active one."""
    for obj in bpy.data.objects:
        obj.select_set(obj == active or obj in others)
    bpy.context.view_layer.objects.active = active


def said(error: Any) -> str:
    """What an operator's error says, in one line."""
    return " ".join(str(error.value).split())
