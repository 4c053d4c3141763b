# SPDX-License-Identifier: GPL-3.0-or-later
"""Add and Edit: the mode in which pairs are picked on both meshes, side by side.

It changes no more than the pairs. Blender's own texts and pointer are given back however it ends.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
from bpy.props import EnumProperty

from ..core.errors import UserError
from ..scene.correspondences import check_topologies
from . import correspondence_edits as edits
from . import correspondence_session as session
from .correspondence_end import found_place, leave, left, switch, texts
from .correspondence_keys import go, is_passed, is_undo, key, navigation, undo
from .correspondence_session import SESSION
from .correspondences import picking_problem
from .explained import Explained
from .faults import report_fault, sentence
from .transfer_status import shown_transfer

MODES = (
    ("ADD", "Add", "Pick a point on the OpenMouth mesh, then the same point of the target"),
    ("EDIT", "Edit", "Drag points along their surfaces, select and delete pairs"),
)
MOVED_PX = 3.0


class FACEWRIGHT_OT_pick_pairs(Explained, bpy.types.Operator):
    """Pick correspondences on both meshes, shown side by side; Esc leaves"""

    bl_idname = "facewright.pick_pairs"
    bl_label = "Pick Correspondences"
    bl_options = {"INTERNAL"}

    mode: EnumProperty(name="Mode", description="What a click does", items=MODES)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        about = next(row[2] for row in MODES if row[0] == properties.mode)
        return str(bpy.app.translations.pgettext_tip(about))

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if SESSION.running else picking_problem(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if SESSION.running:
            switch(context, self.mode)
            return {"FINISHED"}
        area: Any = context.area
        if area is None or area.type != "VIEW_3D":
            self.report({"ERROR"}, "Correspondences are picked in a 3D viewport.")
            return {"CANCELLED"}
        try:
            self._begin(context, area)
        except UserError as error:
            leave()
            self.report({"ERROR"}, sentence(error))
            return {"CANCELLED"}
        except Exception as error:
            leave()
            self.report({"ERROR"}, report_fault(error))
            return {"CANCELLED"}
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def _begin(self, context: bpy.types.Context, area: Any) -> None:
        transfer = shown_transfer(context)
        check_topologies(transfer)
        windows = [each for each in area.regions if each.type == "WINDOW"]
        region = max(windows, key=lambda each: each.width * each.height)
        session.begin(context, transfer, self.mode, area, region)
        self._session = id(SESSION.panes)  # another one may run by the time an event comes
        self._held, self._last, self._pressed = "", (0.0, 0.0), (0.0, 0.0)
        self._cursor = ""
        texts(context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not SESSION.running or id(SESSION.panes) != self._session:
            return {"FINISHED"}
        try:
            return self._event(context, event)
        except UserError as error:
            leave()
            self.report({"ERROR"}, sentence(error))
        except Exception as error:
            leave()
            self.report({"ERROR"}, report_fault(error))
        return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator, for instance because a file is loaded or a window closed."""
        leave()

    def _event(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        place, transfer = found_place(context), session.transfer_of(context)
        if place is None or transfer is None or picking_problem(context):
            return left(transfer)
        if event.type.startswith("TIMER"):
            return {"PASS_THROUGH"}
        area, region = place
        session.arrange(context.preferences, area, region)
        if SESSION.stale:
            session.refresh(transfer)
        here = (float(event.mouse_x - region.x), float(event.mouse_y - region.y))
        if not self._held and session.SESSION.pane_at(*here) is None:
            return self._beside(context, transfer, event, area)
        self._set_cursor(context, "SCROLL_XY" if self._held == "NAVIGATE" else "CROSSHAIR")
        outcome = self._inside(context, transfer, event, here)
        area.tag_redraw()
        texts(context)
        return outcome

    def _beside(
        self, context: bpy.types.Context, transfer: Any, event: bpy.types.Event, area: Any
    ) -> set[str]:
        """The pointer is over something else, which works as ever."""
        self._set_cursor(context, "")
        if SESSION.over:
            SESSION.over, SESSION.preview, SESSION.hot = "", None, -1
            area.tag_redraw()
        inside = 0 <= event.mouse_x - area.x < area.width and event.mouse_y - area.y >= 0
        if event.type == "ESC" and event.value == "PRESS" and inside:
            return left(transfer)
        if is_undo(event):
            return undo(event)
        return {"PASS_THROUGH"}

    def _inside(
        self,
        context: bpy.types.Context,
        transfer: Any,
        event: bpy.types.Event,
        here: tuple[float, float],
    ) -> set[str]:
        if self._held == "NAVIGATE":
            return self._navigate(event, here)
        if event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            self._move(context, transfer, event, here)
            return {"RUNNING_MODAL"}
        if self._held == "DRAG":
            return self._end_drag(transfer, event, here)
        if event.type in {"ESC", "RET", "NUMPAD_ENTER", "RIGHTMOUSE"}:
            return left(transfer) if event.value == "PRESS" else {"RUNNING_MODAL"}
        if is_undo(event):
            return undo(event)
        if is_passed(event):
            return {"PASS_THROUGH"}
        way = navigation(context, event)
        if way:
            self._held, self._way, self._last = "NAVIGATE", way, here
        elif event.type == "LEFTMOUSE" and event.value in {"PRESS", "DOUBLE_CLICK"}:
            session.point_at(context, transfer, *here, event.ctrl)
            self._press(transfer, event, here)
        elif event.value == "PRESS" or event.type.startswith("TRACKPAD"):
            key(context, transfer, event, here)
        return {"RUNNING_MODAL"}

    # ---- pointer -------------------------------------------------------------------------------

    def _move(
        self,
        context: bpy.types.Context,
        transfer: Any,
        event: bpy.types.Event,
        here: tuple[float, float],
    ) -> None:
        if self._held != "DRAG" or SESSION.drag is None:
            session.point_at(context, transfer, *here, event.ctrl)
            return
        if self._is_moved(here):
            SESSION.pointer = here
            pane = SESSION.panes[SESSION.drag.side]
            snap = session.SNAP_PX * context.preferences.system.ui_scale
            snaps = transfer.pick_snapped != event.ctrl
            SESSION.preview = pane.spot_at(*here, snap if snaps else 0.0)
            edits.drag_to(transfer, SESSION.preview)

    def _press(self, transfer: Any, event: bpy.types.Event, here: tuple[float, float]) -> None:
        if SESSION.mode == "ADD":
            edits.pick(transfer)
            return
        if event.value == "DOUBLE_CLICK" and SESSION.hot >= 0:
            session.frame_pairs(transfer, [SESSION.hot])
            return
        edits.grab(transfer, event.shift or event.ctrl)
        if SESSION.drag is not None:
            self._held, self._pressed = "DRAG", here

    def _end_drag(
        self, transfer: Any, event: bpy.types.Event, here: tuple[float, float]
    ) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            edits.cancel_drag(transfer)
            self._held = ""
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            edits.drop(transfer, self._is_moved(here))
            self._held = ""
        return {"RUNNING_MODAL"}

    def _is_moved(self, here: tuple[float, float]) -> bool:
        return math.dist(here, self._pressed) >= MOVED_PX

    # ---- looks ---------------------------------------------------------------------------------

    def _navigate(self, event: bpy.types.Event, here: tuple[float, float]) -> set[str]:
        if event.type in {"MIDDLEMOUSE", "LEFTMOUSE"} and event.value == "RELEASE":
            self._held = ""
        elif event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            by = (here[0] - self._last[0], here[1] - self._last[1])
            pane = SESSION.pane_at(*self._last) or SESSION.panes.get(SESSION.over)
            if pane is not None:
                go(pane, self._way, by, SESSION.pointer)
            self._last = here
        return {"RUNNING_MODAL"}

    def _set_cursor(self, context: bpy.types.Context, wanted: str) -> None:
        if wanted == self._cursor:
            return
        self._cursor = wanted
        if wanted:
            context.window.cursor_modal_set(wanted)
        else:
            context.window.cursor_modal_restore()


def register() -> None:
    bpy.utils.register_class(FACEWRIGHT_OT_pick_pairs)


def unregister() -> None:
    leave()
    bpy.utils.unregister_class(FACEWRIGHT_OT_pick_pairs)
