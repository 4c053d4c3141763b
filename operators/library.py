# SPDX-License-Identifier: GPL-3.0-or-later
"""The library's buttons: add, remove, default, download."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..core.errors import UserError
from ..core.hub import ORIGIN, PUBLISHED, PublishedModel, hub_address, published
from ..properties import library
from ..scene.places import user_folder
from .explained import DIALOG_WIDTH, Explained
from .faults import sentence
from .fetching import Errand, Fetches, fetch, redraw_preferences
from .terms import chosen_row, draw_licence, draw_lines

MANY = 64  # folders looked into when a folder of models was chosen


def models_folder() -> Path:
    """Where models are downloaded to."""
    chosen = library.preferences()
    path = chosen.models_folder if chosen else ""
    return Path(bpy.path.abspath(path)).absolute() if path.strip() else user_folder("models")


def folders_in(folder: Path) -> list[Path]:
    """The model folder itself, or the model folders right inside of it."""
    if os.path.isfile(folder / "model.json") or not os.path.isdir(folder):
        return [folder]
    inside = sorted(path for path in folder.iterdir() if (path / "model.json").is_file())
    return [path for path in inside if path.suffix != ".part"][:MANY] or [folder]


class FACEWRIGHT_OT_model_add(bpy.types.Operator):
    """Add a model that is on this computer: its folder, or one that holds several"""

    bl_idname = "facewright.model_add"
    bl_label = "Add Model"

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    choose: BoolProperty(
        name="Choose",
        description="Let the scene use what is added",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.directory)).absolute()
        added, refused = _add_all(folder)
        for reason in refused:
            self.report({"WARNING" if added else "ERROR"}, reason)
        if not added:
            return {"CANCELLED"}
        if self.choose:
            _choose(context.scene, added)
        redraw_preferences()
        rows = [row for row in library.preferences().models if row.folder in added]
        waiting = [row.name for row in rows if not library.is_accepted(row)]
        if waiting:
            self.report({"INFO"}, f"Added. Accept the terms before use: {', '.join(waiting)}")
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


def _add_all(folder: Path) -> tuple[list[str], list[str]]:
    """Add all models of a folder: the folders that were, and why the others were not."""
    added: list[str] = []
    refused: list[str] = []
    try:
        for path in folders_in(folder):
            try:
                added.append(library.add_model(library.preferences(), path).folder)
            except UserError as error:
                refused.append(sentence(error))
    except OSError as error:
        refused.append(f"{folder} cannot be looked into: {error}")
    return added, refused


def _choose(scene: Any, folders: Iterable[str]) -> None:
    """Let the shown pipeline use the first model for a face among folders, and for emotion."""
    pipeline = scene.facewright.pipeline
    for folder in reversed(list(folders)) if pipeline else ():
        emotion = library.look(Path(folder)).kind == "emotion"
        setattr(pipeline, "emotion_model" if emotion else "model", folder)


class FACEWRIGHT_OT_model_remove(Explained, bpy.types.Operator):
    """Take the model off the list; its files stay where they are"""

    bl_idname = "facewright.model_remove"
    bl_label = "Remove Model"

    delete_files: BoolProperty(
        name="Delete its files too",
        description="Facewright has downloaded them; they can be downloaded again",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        row = chosen_row()
        if row is None:
            return "Choose a model first"
        return "A built-in model cannot be removed" if row.built_in else ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if _is_ours(chosen_row()):
            manager = context.window_manager
            return manager.invoke_props_dialog(self, width=DIALOG_WIDTH, confirm_text="Remove")
        return self.execute(context)

    def draw(self, context: bpy.types.Context) -> None:
        row = chosen_row()
        column = self.layout.column()
        draw_lines(column, f"Remove {row.name} from the list? Its files are in {row.folder}.")
        column.separator()
        column.prop(self, "delete_files")

    def execute(self, context: bpy.types.Context) -> set[str]:
        row, chosen = chosen_row(), library.preferences()
        folder = library.folder_of(row)
        if self.delete_files and _is_ours(row):
            try:
                _delete(folder)
            except (OSError, ValueError, KeyError) as error:
                self.report({"ERROR"}, f"{folder} could not be deleted: {error}")
                return {"CANCELLED"}
        for name in ("model", "emotion_model"):
            if getattr(chosen, name) == row.folder:
                chosen.property_unset(name)
        chosen.models.remove(chosen.active_model)
        chosen.active_model = max(0, chosen.active_model - 1)
        library.changed()
        redraw_preferences()
        return {"FINISHED"}


def _is_ours(row: Any) -> bool:
    return bool(row.downloaded) and (library.folder_of(row) / ORIGIN).is_file()


def _delete(folder: Path) -> None:
    """Delete what was downloaded, and the folder if nothing else is in it."""
    names = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))["files"]
    inside = [folder / name for name in names if not Path(name).is_absolute() and ".." not in name]
    for path in (*inside, folder / "NOTICE.txt", folder / ORIGIN):
        path.unlink(missing_ok=True)
    for place in sorted({path.parent for path in inside}, key=lambda path: -len(path.parts)):
        with suppress(OSError):  # something of the user's is in there
            place.rmdir()


class FACEWRIGHT_OT_model_default(Explained, bpy.types.Operator):
    """Use this model wherever a scene names none"""

    bl_idname = "facewright.model_default"
    bl_label = "Use by Default"

    name: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    row: IntProperty(default=-1, options={"SKIP_SAVE", "HIDDEN"})  # names need not be unique

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = library.preferences()
        if 0 <= self.row < len(chosen.models):
            row = chosen.models[self.row]
        else:
            row = chosen.models.get(self.name) if self.name else chosen_row()
        if row is None:
            self.report({"ERROR"}, f"There is no model called {self.name!r}")
            return {"CANCELLED"}
        emotion = library.look(library.folder_of(row)).kind == "emotion"
        folder = "" if row.built_in else row.folder
        setattr(chosen, "emotion_model" if emotion else "model", folder)
        library.changed()
        redraw_preferences()
        return {"FINISHED"}


class FACEWRIGHT_OT_model_download(Fetches, bpy.types.Operator):
    """Download this model and add it to the library"""

    bl_idname = "facewright.model_download"
    bl_label = "Download"

    key: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    newest: BoolProperty(
        name="Newest version",
        description="What the page has today, in place of the version that Facewright knows",
        options={"SKIP_SAVE"},
    )
    accept: BoolProperty(
        name="I accept these terms",
        description="Without it nothing is downloaded",
        options={"SKIP_SAVE"},
    )

    def draw(self, context: bpy.types.Context) -> None:
        from ..core.models.licences import OPEN_MODEL

        model, column = published(self.key), self.layout.column()
        column.label(text=model.title, icon="IMPORT")
        folder = models_folder() / model.key
        where = f"It is in {folder} already." if is_here(model) else f"Into {folder}."
        draw_lines(column, f"About {model.size // 10**6} MB. {where}")
        column.separator()
        draw_licence(column, OPEN_MODEL, None, model.page)
        column.prop(self, "accept")
        column.prop(self, "newest")

    def begin(self) -> None:
        model = published(self.key)
        if not self.accept:
            raise UserError(
                f"{model.title} was not downloaded: its terms were not accepted.",
                "Tick the box in the dialog.",
            )
        if is_here(model):
            library.FETCHING.end(_keep(model), "done")
            redraw_preferences()
        else:
            fetch(_errand(model, self.newest))


def _errand(model: PublishedModel, newest: bool) -> Errand:
    from ..core.models.licences import OPEN_MODEL

    folder = models_folder() / model.key
    folder.parent.mkdir(parents=True, exist_ok=True)
    args = {
        "title": model.title,
        "repository": model.repository,
        "revision": "main" if newest else model.revision,
        "folder": str(folder),
        "sha256": {} if newest else dict(model.sha256),
        "hub": hub_address(),
        "notice": OPEN_MODEL.notice,
    }
    return Errand("download", args, lambda _ticket: _keep(model))


def _keep(model: PublishedModel) -> str:
    """Put a model that was downloaded into the library; the sentence for the user."""
    from ..core.models.licences import OPEN_MODEL

    row = library.add_model(
        library.preferences(),
        models_folder() / model.key,
        downloaded=True,
        accepted=OPEN_MODEL.key,
    )
    if row.name == model.key:
        row.name = model.title
    return f"{model.title} is ready"


def is_here(model: PublishedModel) -> bool:
    """Whether a model's files are here, whole, from an earlier download."""
    return (models_folder() / model.key / ORIGIN).is_file()


def offered() -> Iterator[PublishedModel]:
    """The published models that the library does not have."""
    chosen, folder = library.preferences(), models_folder()
    for model in PUBLISHED:
        if not is_here(model) or library.find(chosen, folder / model.key) is None:
            yield model


CLASSES = (
    FACEWRIGHT_OT_model_add,
    FACEWRIGHT_OT_model_remove,
    FACEWRIGHT_OT_model_default,
    FACEWRIGHT_OT_model_download,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
