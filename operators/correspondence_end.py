# SPDX-License-Identifier: GPL-3.0-or-later
"""How the mode in which pairs are picked shows itself, changes and ends, whatever happens."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..scene.correspondences import mesh_of
from . import correspondence_edits as edits
from . import correspondence_session as session
from .correspondence_help import header, status
from .correspondence_session import SCENE, SESSION
from .transfer_status import meshes_problem


def found_place(context: bpy.types.Context) -> tuple[Any, Any] | None:
    """The viewport that shows the looks, with its region; None when it is not on the screen."""
    for area in context.window.screen.areas if context.window else ():
        if area.as_pointer() == SESSION.area and area.type == "VIEW_3D":
            for region in area.regions:
                if region.as_pointer() == SESSION.region and region.width > 1:
                    return area, region
    return None


def texts(context: bpy.types.Context) -> None:
    """Say in the header and the status bar what is due."""
    place, transfer = found_place(context), session.transfer_of(context)
    if place is not None and transfer is not None:
        place[0].header_text_set(header(transfer))
        context.workspace.status_text_set(status)


def left(transfer: Any) -> set[str]:
    """End the mode by the user's wish."""
    edits.cancel_drag(transfer)
    leave()
    return {"FINISHED"}


def leave() -> None:
    """End the mode, whatever state it is in; harmless when none runs."""
    if not SESSION.running:
        return
    place = SESSION.area
    session.forget()
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(None)
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.as_pointer() == place:
                area.header_text_set(None)
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            window.cursor_modal_restore()
    redraw()


def redraw() -> None:
    """Draw all viewports anew."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()


def switch(context: bpy.types.Context, mode: str) -> None:
    """Change to the other mode; the same one again leaves."""
    transfer = session.transfer_of(context)
    if mode == SESSION.mode or transfer is None:
        left(transfer)
        return
    SESSION.mode, SESSION.pending, SESSION.said = mode, None, ""
    session.choose_name(transfer)
    texts(context)
    redraw()


@persistent
def _on_load(*_arguments: Any) -> None:
    SCENE.revision += 1
    leave()


@persistent
def _on_return(*_arguments: Any) -> None:
    """Undo or redo: the list is another one now."""
    SCENE.revision += 1
    if not SESSION.running:
        return
    SESSION.drag, SESSION.hot, SESSION.name = None, -1, ""
    transfer = session.transfer_of(bpy.context)
    if transfer is not None:
        session.choose_name(transfer)
    redraw()


@persistent
def _on_change(scene: Any, graph: Any = None) -> None:
    """A mesh that is picked on may be moved or edited meanwhile, by a script for instance."""
    SCENE.revision += 1
    if not SESSION.running or graph is None:
        return
    transfer = session.transfer_of(bpy.context)
    if transfer is None or meshes_problem(transfer):
        return
    known = [mesh_of(transfer, name) for name in SESSION.panes]
    blocks = {*known, *(obj.data for obj in known)}
    for update in graph.updates:
        if update.id.original in blocks and (
            update.is_updated_geometry or update.is_updated_transform
        ):
            SESSION.stale = True


_HANDLERS = (
    ("load_pre", _on_load),
    ("undo_post", _on_return),
    ("redo_post", _on_return),
    ("depsgraph_update_post", _on_change),
)


def register() -> None:
    session.forget()
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    leave()
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
