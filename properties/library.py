# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of models: which folders the user has, and whose terms were accepted.

It lives in the preferences, so it survives restarts as far as Blender saves those. What a folder
holds is read from its JSON files, each time anew when they have changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.errors import UserError
from .progress import JobState

if TYPE_CHECKING:
    from ..core.models.defaults import ModelDefaults
    from ..core.models.licences import Licence
    from ..core.models.model import ModelIndex

PACKAGE = __package__.rpartition(".")[0]
_SHIPPED = Path(__file__).resolve().parent.parent / "models"
BUILT_IN, BUILT_IN_EMOTION = _SHIPPED / "facewright", _SHIPPED / "facewright-emotion"
BUILT_IN_NAME, BUILT_IN_EMOTION_NAME = "Facewright", "Facewright Emotion"
# The models that come with Facewright, in the library's order: they are used where none is named
BUILT_INS = {BUILT_IN_NAME: BUILT_IN, BUILT_IN_EMOTION_NAME: BUILT_IN_EMOTION}
WHERE = "Edit > Preferences > Add-ons > Facewright > Models"
LOOKED_S = 0.2
KEPT_DEFAULTS = 64
_DEFAULTS: dict[tuple[str, str], tuple[float, ModelDefaults]] = {}
FETCHING = JobState()  # the one download that runs, for operators and panels


class FACEWRIGHT_PG_model(bpy.types.PropertyGroup):
    """A model of the library; its name is ``name``"""

    folder: StringProperty(name="Folder", description="Where the model lies", subtype="DIR_PATH")
    accepted: StringProperty(
        name="Accepted Terms", description="Key of the terms that the user has accepted"
    )
    built_in: BoolProperty(name="Built In", description="It came with Facewright")
    downloaded: BoolProperty(name="Downloaded", description="Facewright has downloaded its files")


@dataclass(frozen=True)
class Look:
    """What a model's folder shows without reading its arrays; ``problem`` says why it is no use."""

    index: ModelIndex | None
    licence: Licence | None
    problem: str

    @property
    def kind(self) -> str:
        return self.index.family if self.index else "unknown"


def look(folder: Path) -> Look:
    """Look into a folder; costs next to nothing while no file of it comes or goes and its
    model.json stays the same."""
    try:
        changed = folder.stat().st_mtime_ns, (folder / "model.json").stat().st_mtime_ns
    except (OSError, ValueError):
        return Look(None, None, f"There is no model in {folder}")
    return _look(folder, changed)


@lru_cache(maxsize=64)
def _look(folder: Path, _changed_ns: tuple[int, int]) -> Look:
    from ..core.models.model import read_index

    try:
        index = read_index(folder)
        return Look(index, index.licence, "")
    except UserError as error:
        return Look(None, None, error.message)


def folder_path(text: str) -> Path:
    """A model's folder as a path; empty is the built-in one."""
    return Path(bpy.path.abspath(text)).absolute() if text.strip() else BUILT_IN


def defaults(folder: str, identity: str = "") -> ModelDefaults:
    """What a model sets by itself; nothing for a folder that cannot be used.

    Panels ask for every slider, so the folder is looked at anew only after a moment.
    """
    now = time.monotonic()
    at, found = _DEFAULTS.get((folder, identity), (-LOOKED_S, None))
    if found is None or now - at > LOOKED_S:
        if len(_DEFAULTS) > KEPT_DEFAULTS:
            _DEFAULTS.clear()
        found = _looked_defaults(folder_path(folder), identity)
        _DEFAULTS[folder, identity] = now, found
    return found


def _looked_defaults(folder: Path, identity: str) -> ModelDefaults:
    try:
        changed_ns = folder.stat().st_mtime_ns, (folder / "model.json").stat().st_mtime_ns
    except (OSError, ValueError):
        return _defaults(None, "", (0, 0))
    return _defaults(folder, identity, changed_ns)


@lru_cache(maxsize=64)
def _defaults(folder: Path | None, identity: str, _changed_ns: tuple[int, int]) -> ModelDefaults:
    from ..core.models.defaults import ModelDefaults, read_defaults

    try:
        return ModelDefaults() if folder is None else read_defaults(folder, identity)
    except UserError:
        return ModelDefaults()


def preferences() -> Any:
    """The extension's preferences; None where it is loaded without being enabled."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon else None


def changed() -> None:
    """Let Blender save the preferences when it quits, if it is set to."""
    bpy.context.preferences.is_dirty = True


def folder_of(row: Any) -> Path:
    """The folder of a row. The built-in models lie where the extension lies now."""
    return BUILT_INS.get(row.name, BUILT_IN) if row.built_in else Path(row.folder)


def ensure_built_in(chosen: Any) -> None:
    """Make the built-in models the first rows of the preferences' list."""
    for place, name in enumerate(BUILT_INS):
        row = chosen.models[place] if place < len(chosen.models) else None
        if row is None or not row.built_in or row.name != name:
            row = chosen.models.add()
            row.name, row.built_in = name, True
            chosen.models.move(len(chosen.models) - 1, place)


def models() -> Iterator[tuple[str, Path]]:
    """Name and folder of every model of the library but the built-in ones."""
    chosen = preferences()
    for row in chosen.models if chosen else ():
        if not row.built_in:
            yield row.name, Path(row.folder)


def add_model(chosen: Any, folder: Path, *, downloaded: bool = False, accepted: str = "") -> Any:
    """The row of a folder, made when there is none. Raises UserError when it holds no model."""
    from ..core.models.model import read_index

    index = read_index(folder)
    ensure_built_in(chosen)
    row = find(chosen, folder)
    if row is None:
        taken = {row.name.casefold() for row in chosen.models}
        name, number = index.name, 2
        while name.casefold() in taken:
            name, number = f"{index.name} {number}", number + 1
        row = chosen.models.add()
        row.name, row.folder = name, str(folder)
    row.downloaded = row.downloaded or downloaded
    row.accepted = accepted or row.accepted
    chosen.active_model = position(chosen, row)
    changed()
    return row


def find(chosen: Any, folder: Path) -> Any:
    """The row of a folder, None when it is not in the library."""
    for row in chosen.models:
        if not row.built_in and _same(Path(row.folder), folder):
            return row
    return None


def position(chosen: Any, row: Any) -> int:
    return next(place for place, other in enumerate(chosen.models) if other == row)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def name_of(folder: Path) -> str:
    """What the library calls the model in a folder, else what the folder itself says."""
    for name, own in (*BUILT_INS.items(), *models()):
        if _same(folder, own):
            return name
    index = look(folder).index
    return index.name if index else folder.name


def _is_built_in(folder: Path) -> bool:
    return any(_same(folder, own) for own in BUILT_INS.values())


def is_accepted(row: Any) -> bool:
    """Whether a row's model may be used: it has no terms, or they were accepted as they are now."""
    licence = None if row.built_in else look(folder_of(row)).licence
    return licence is None or row.accepted == licence.key


def is_terms_accepted(folder: Path) -> bool:
    """The same for a folder, which need not be in the library."""
    licence = look(folder).licence
    if licence is None or _is_built_in(folder):
        return True
    chosen = preferences()
    row = find(chosen, folder) if chosen else None
    return row is not None and bool(row.accepted == licence.key)


def check_licence(folder: str | Path, accepted: bool = False) -> None:
    """Refuse a model whose terms nobody has accepted. Raises UserError that says where to.

    ``accepted`` is the explicit word of a script or a farm, for this once.
    """
    from ..core.models.licences import licence_of

    path = Path(folder).absolute()
    if accepted or _is_built_in(path):
        return
    licence = licence_of(path)
    if licence is None:
        return
    chosen = preferences()
    row = find(chosen, path) if chosen else None
    if row is not None and row.accepted == licence.key:
        return
    first = "Add its folder to the library and accept" if row is None else "Accept"
    raise UserError(
        f"The terms of the model {path.name} have not been accepted ({licence.title}).",
        f"{first} them in {WHERE}; scripts say accept_licence=True, the command line "
        "--accept-licence.",
    )


def register() -> None:
    bpy.utils.register_class(FACEWRIGHT_PG_model)
    FETCHING.clear()


def unregister() -> None:
    FETCHING.clear()
    bpy.utils.unregister_class(FACEWRIGHT_PG_model)
