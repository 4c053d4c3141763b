# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: library of models, downloads, processors, folders."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.memory import megabytes
from ..core.runtimes import TITLES
from ..operators import fetching, processors
from ..operators.library import (
    FACEWRIGHT_OT_model_default,
    FACEWRIGHT_OT_model_download,
    is_here,
    offered,
)
from ..operators.terms import FACEWRIGHT_OT_model_licence
from ..properties import library
from ..properties.library import FETCHING
from . import texts
from .texts import draw_sentence, translated

LABELS = 0.24  # share of the width that names take
GIB = 1 << 30
MARGIN_PX = 90
MOST_PX = 900  # of a line, to be read well
ICONS = {"regression": "USER", "diffusion": "COMMUNITY", "emotion": "HEART", "unknown": "ERROR"}
KINDS = {
    "regression": "Regression: one person",
    "diffusion": "Diffusion: several people",
    "emotion": "Emotion from the voice (Audio2Emotion)",
    "unknown": "Unknown",
}
OUTCOME_ICONS = {"done": "CHECKMARK", "stopped": "INFO", "failed": "ERROR"}
REMEDY = "Put its files back, or take it off the list with the minus."
EMOTION_PAGE = "https://huggingface.co/nvidia/Audio2Emotion-v2.2"


class FACEWRIGHT_UL_models(bpy.types.UIList):
    """Models: what they are called, what may keep them from being used, which one is default"""

    bl_idname = "FACEWRIGHT_UL_models"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        look = library.look(library.folder_of(item))
        row = layout.row()
        if item.built_in:
            row.label(text=item.name, icon=ICONS[look.kind], translate=False)
        else:
            row.prop(item, "name", text="", emboss=False, icon=ICONS[look.kind])
        end = row.row()
        end.alignment = "RIGHT"
        if look.problem:
            end.label(text="Not usable")
        elif not library.is_accepted(item):
            end.label(text="Terms not accepted")
        elif item.built_in:
            end.label(text="Built in")
        star = "SOLO_ON" if is_default(data, item, look.kind) else "SOLO_OFF"
        operator = end.operator("facewright.model_default", text="", icon=star, emboss=False)
        operator.row = library.position(data, item)


def _room(context: bpy.types.Context) -> float:
    """Pixels that a line of the preferences has."""
    return texts.room(context, MARGIN_PX, MOST_PX)


def is_default(chosen: Any, row: Any, kind: str) -> bool:
    """Whether a model is used where a scene names none."""
    used = chosen.emotion_model if kind == "emotion" else chosen.model
    return bool(used == ("" if row.built_in else row.folder))


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any, logs: str) -> None:
    """All of the extension's preferences; ``logs`` is the folder of its files."""
    library.ensure_built_in(chosen)
    for name, title, section in (
        ("models", "Models", _draw_models),
        ("downloads", "Get Models", _draw_downloads),
        ("processors", "Processors", _draw_processors),
    ):
        header, body = layout.panel(f"FACEWRIGHT_preferences_{name}")
        header.label(text=title)
        if body is not None:
            section(body.column(), context, chosen)
    header, body = layout.panel("FACEWRIGHT_preferences_folders", default_closed=True)
    header.label(text="Folders")
    if body is not None:
        _draw_folders(body.column(), chosen, logs)


# ---- models


def _draw_models(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    row = layout.row()
    row.template_list(
        "FACEWRIGHT_UL_models", "", chosen, "models", chosen, "active_model", rows=5, maxrows=8
    )
    buttons = row.column(align=True)
    buttons.operator("facewright.model_add", text="", icon="ADD")
    buttons.operator("facewright.model_remove", text="", icon="REMOVE")
    layout.separator(factor=0.5)
    if 0 <= chosen.active_model < len(chosen.models):
        row = chosen.models[chosen.active_model]
        _draw_model(layout.box().column(), chosen, row, _room(context))


def _draw_model(column: bpy.types.UILayout, chosen: Any, row: Any, room: float) -> None:
    folder = library.folder_of(row)
    look = library.look(folder)
    if look.problem or look.index is None:
        draw_sentence(column, look.problem, "ERROR", room)
        draw_sentence(column, REMEDY, "BLANK1", room)
        return
    index = look.index
    people = ", ".join(index.identities)
    _draw_pair(column, "Kind", KINDS[look.kind])
    if people and look.kind != "emotion":
        _draw_pair(column, "People", people)
    if look.kind != "emotion":
        _draw_pair(column, "Languages", index.languages)
        _draw_pair(column, "Frame rate", index.frame_rate)
    if index.good_at:
        _draw_pair(column, "Good at", index.good_at)
    for person, text in index.people_good_at:
        _draw_pair(column, person, text)
    text = translated("About {amount:.1f} GiB on the processor that it runs on")
    guess = "" if index.memory_known else translated(", estimated")
    _draw_pair(column, "Memory", text.format(amount=index.memory_bytes / GIB) + guess)
    warning = processors.memory_warning(index.memory_bytes, chosen.device)
    if warning:
        part = column.split(factor=LABELS)
        part.label()
        draw_sentence(part, warning, "ERROR", room * (1 - LABELS))
    _draw_terms(column, row, look.licence)
    if row.built_in:
        _draw_pair(column, "Origin", "Came with Facewright")
    else:
        line = _draw_pair(column, "Folder", str(folder))
        line.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = str(folder)
    default = is_default(chosen, row, look.kind)
    _draw_buttons(column, look, library.is_accepted(row), default)


def _draw_terms(column: bpy.types.UILayout, row: Any, licence: Any) -> None:
    if licence is None:
        _draw_pair(column, "Terms", "None but Facewright's own" if row.built_in else "None known")
        return
    if library.is_accepted(row):
        _draw_pair(column, "Terms", translated("{title} (accepted)").format(title=licence.title))
        return
    _draw_pair(column, "Terms", licence.title)
    _draw_pair(column, "", "It cannot be used before its terms are accepted", "ERROR")


def _draw_buttons(column: bpy.types.UILayout, look: Any, accepted: bool, default: bool) -> None:
    column.separator(factor=0.5)
    row = column.row()
    button = row.row()
    text, icon = "Use by Default", "SOLO_OFF"
    if default:
        text, icon = "Used by Default", "SOLO_ON"
        button.enabled = False
    button.operator(FACEWRIGHT_OT_model_default.bl_idname, text=text, icon=icon)
    if look.licence is not None:
        text = "Read Terms" if accepted else "Read and Accept Terms"
        row.operator(FACEWRIGHT_OT_model_licence.bl_idname, text=text, icon="TEXT")


# ---- downloads


def _draw_downloads(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    reason = fetching.offline_reason()
    if reason:
        draw_sentence(layout, reason, "INFO", _room(context))
        layout.prop(context.preferences.system, "use_online_access")
        layout.separator()
    _draw_fetching(layout, _room(context))
    for model in offered():
        row = layout.row().split(factor=0.72)
        text = row.column(align=True)
        text.label(
            text=model.title, translate=False, icon="COMMUNITY" if "," in model.title else "USER"
        )
        detail = text.row()
        detail.active = False
        detail.label(text=model.text, icon="BLANK1")
        button = row.column()
        button.scale_y = 1.4
        title = translated("Add" if is_here(model) else "Download ({size} MB)")
        operator = button.operator(
            FACEWRIGHT_OT_model_download.bl_idname,
            text=title.format(size=model.size // 10**6),
            translate=False,
            icon="IMPORT",
        )
        operator.key = model.key
    layout.separator(factor=0.5)
    draw_sentence(
        layout,
        "Audio2Emotion is a far larger network for emotion than the built-in one. Its maker gives "
        "it only to people who sign in: download it yourself, then add its folder above.",
        "HEART",
        _room(context),
    )
    row = layout.row()
    row.alignment = "LEFT"
    row.operator("wm.url_open", text="Audio2Emotion's Page", icon="URL").url = EMOTION_PAGE


def _draw_fetching(layout: bpy.types.UILayout, room: float) -> None:
    if FETCHING.running:
        row = layout.row(align=True)
        row.progress(factor=FETCHING.fraction, text=FETCHING.text)
        row.operator("facewright.fetch_cancel", text="", icon="CANCEL")
        layout.separator()
    elif FETCHING.outcome:
        draw_sentence(layout, FETCHING.outcome, OUTCOME_ICONS[FETCHING.ending], room)
        layout.separator()


# ---- processors


def _draw_processors(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    rows = layout.column(align=True)
    _draw_device(rows, chosen, "auto", "The best that works here", "NONE")
    for state in processors.states():
        _draw_device(rows, chosen, state.name, *_said(state))
    layout.separator(factor=0.5)
    row = layout.row()
    row.operator("facewright.processors_look", icon="VIEWZOOM")
    row.prop(chosen, "threads", text="Threads" if chosen.threads else "Threads (automatic)")
    if processors.SEEN.problem:
        draw_sentence(layout, processors.SEEN.problem, "ERROR", _room(context))
    for card in processors.SEEN.cards:
        free, total = card.free / GIB, card.total / GIB
        said = translated("{name}: {free:.1f} of {total:.1f} GiB free")
        said = said.format(name=card.name, free=free, total=total)
        layout.label(text=said, icon="INFO", translate=False)
    for name, runtime in processors.runtimes().items():
        layout.separator(factor=0.5)
        _draw_runtime(layout, chosen, name, runtime)


def _draw_device(rows: bpy.types.UILayout, chosen: Any, name: str, text: str, icon: str) -> None:
    row = rows.row().split(factor=0.36)
    row.prop_enum(chosen, "device", name)
    row.label(text=text, icon=icon)


def _said(state: processors.State) -> tuple[str, str]:
    """What is known of a processor, and the icon for it."""
    tested = "" if state.tested else translated(", not tested")
    if state.usable:
        return translated("Works here") + tested, "CHECKMARK"
    if state.usable is None:
        if state.name == "cpu":
            return "Always works", "NONE"
        return translated("Not tried yet") + tested, "NONE"
    reason = state.reason.rstrip(".")
    return translated("Not usable: {reason}").format(reason=reason), "CANCEL"


def _draw_runtime(layout: bpy.types.UILayout, chosen: Any, name: str, runtime: Any) -> None:
    """What a processor needs: fetched, to be fetched (``runtime``), or none for this Python."""
    box = layout.box().column()
    row = box.row().split(factor=0.72)
    folder = processors.fetched(name)
    version = f" {runtime.version}" if runtime else ""
    title = translated("{name} runtime").format(name=TITLES[name]) + version
    row.label(text=title, icon="CHECKMARK" if folder else "PACKAGE", translate=False)
    if folder is not None:
        row.operator("facewright.runtime_remove", text="Delete", icon="TRASH").name = name
    elif runtime is not None:
        size = megabytes(runtime.size)
        title = translated("Fetch ({size})").format(size=size)
        operator = row.operator(
            "facewright.runtime_fetch", text=title, translate=False, icon="IMPORT"
        )
        operator.name = name
    else:
        row.label(text="None for this Python")
    row = box.row().split(factor=LABELS)
    row.label(text="Or use a folder", icon="BLANK1")
    row.prop(chosen, f"{name}_folder", text="")


# ---- folders and parts


def _draw_folders(layout: bpy.types.UILayout, chosen: Any, logs: str) -> None:
    row = layout.row().split(factor=LABELS)
    row.label(text="Downloads")
    row.prop(chosen, "models_folder", text="")
    line = _draw_pair(layout, "Logs, takes", logs)
    line.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = logs


def _draw_pair(
    layout: bpy.types.UILayout, name: str, text: str, icon: str = "NONE"
) -> bpy.types.UILayout:
    """A name and what it is; returns the row, for buttons at its end."""
    split = layout.split(factor=LABELS)
    left = split.row()
    left.alignment = "RIGHT"
    left.active = False
    left.label(text=name)
    row = split.row()
    row.label(text=text, icon=icon)
    return row


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_UL_models,))
