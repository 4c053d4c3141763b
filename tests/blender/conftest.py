# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside bpy: every test starts with the extension enabled and an empty scene."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def empty_scene(extension):
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return bpy.context.scene
