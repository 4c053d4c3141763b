# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons that say why they are grey."""

from __future__ import annotations

import bpy

from . import scene_watch

DIALOG_WIDTH = 520  # room for a sentence of terms


class Explained:
    """For operators: Blender greys the button while ``disabled_reason`` gives a reason, and
    shows it; panels show the same text."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, as one short phrase; empty when it can."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene_watch.notice()
        reason = cls.disabled_reason(context)
        if reason:
            tip = bpy.app.translations.pgettext_tip(reason)
            cls.poll_message_set(tip)  # type: ignore[attr-defined]
        return not reason
