# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of properties that hold a path, which may be relative to the .blend (//)."""

from __future__ import annotations

import bpy

# From 4.5 on the file browser gives relative paths only to properties that say so.
_KNOWN = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
RELATIVE = {"ANIMATABLE", "PATH_SUPPORTS_BLEND_RELATIVE"} if _KNOWN else {"ANIMATABLE"}
