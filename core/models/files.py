# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the files of a model folder through its ``model.json``; nothing is guessed by file name.

Only JSON is read here: the index and ``network_info.json``, which says the family and the people.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from .. import limits
from ..errors import UserError
from ..json_fields import JsonFields
from .model import Family

_AGAIN = "Download the model again."


@dataclass(frozen=True)
class RigFiles:
    """Files of one blend shape rig."""

    data: Path
    config: Path


@dataclass(frozen=True)
class IdentityFiles:
    """Files of one person of a model; an emotion model has the configuration alone."""

    config: Path
    data: Path | None = None
    skin: RigFiles | None = None
    tongue: RigFiles | None = None

    def paths(self) -> Iterable[Path]:
        """The files in a fixed order."""
        yield self.config
        if self.data is not None:
            yield self.data
        for rig in (self.skin, self.tongue):
            if rig is not None:
                yield rig.data
                yield rig.config


@dataclass(frozen=True)
class FolderFiles:
    """What ``model.json`` names. ``info`` is the content of network_info.json.

    ``people`` go with ``identities`` one by one (an emotion model has one entry and no identity).
    """

    folder: Path
    family: Family
    info: JsonFields
    index: Path
    network: Path
    clip_network: Path | None = None
    live_network: Path | None = None
    database: Path | None = None
    identities: tuple[str, ...] = ()
    people: tuple[IdentityFiles, ...] = ()

    @property
    def actor(self) -> str:
        """What network_info.json calls the model's actor."""
        return self._id("actor")

    @property
    def version(self) -> str:
        """What network_info.json calls the model's version."""
        return self._id("version")

    def _id(self, key: str) -> str:
        values = self.info.values.get("id")
        text = str(values.get(key, "")) if isinstance(values, dict) else ""
        return text[:64] if text.isprintable() else ""

    @property
    def name(self) -> str:
        """The folder's name; that of the repository for a snapshot in a download cache."""
        folder = self.folder.resolve()
        if folder.parent.name == "snapshots" and re.fullmatch("[0-9a-f]{40}", folder.name):
            return folder.parent.parent.name.split("--")[-1]
        return folder.name

    @property
    def networks(self) -> tuple[Path, ...]:
        """The network, and those for whole clips and for live use if there are any."""
        found = (self.network, self.clip_network, self.live_network)
        return tuple(path for path in found if path is not None)

    def paths(self) -> tuple[Path, ...]:
        """Every file that the index names, and the index itself, in a fixed order."""
        paths = [self.index, self.info.path, *self.networks]
        if self.database is not None:
            paths.append(self.database)
        for person in self.people:
            paths.extend(person.paths())
        return tuple(dict.fromkeys(paths))


def find_files(folder: Path) -> FolderFiles:
    """Look at a folder's index. Raises UserError naming the file and the reason.

    That the files exist is left to whoever reads them.
    """
    if not os.path.isdir(folder):  # unlike Path's, says False to every text
        reason = "is a file, not a folder" if os.path.exists(folder) else "does not exist"
        raise UserError(
            f"The model folder {folder} {reason}.",
            "Choose a folder that holds a model.json, or the built-in model.",
        )
    path = folder / "model.json"
    if not os.path.isfile(path):
        raise UserError(
            f"{folder} is not a model folder: it has no model.json.",
            "Choose the folder that holds model.json.",
        )
    index = JsonFields.read(path)
    info = JsonFields.read(_member(index, "networkInfoPath"))
    network = _member(index, "networkPath").with_suffix(".onnx")
    family = _family(index, info)
    if family == "regression":
        return _regression(index, info, network)
    if family == "diffusion":
        return _diffusion(index, info, network)
    person = IdentityFiles(_member(index, "modelConfigPath"))
    return FolderFiles(folder, "emotion", info, path, network, people=(person,))


def emotion_fields(info: JsonFields) -> JsonFields:
    """Where the network_info.json of an emotion model has its labels: at its top or in params."""
    params = info.values.get("params")
    if "emotions" in info.values or not isinstance(params, dict):
        return info
    return JsonFields(info.path, params)


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 over the SHA-256 of each file, in hex; files are read piece by piece."""
    total = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error}.", _AGAIN) from error
    return total.hexdigest()


def _family(index: JsonFields, info: JsonFields) -> Family:
    values = info.values.get("id")
    family = values.get("type") if isinstance(values, dict) else None
    if family == "regression":
        return "regression"
    if family == "diffusion":
        return "diffusion"
    has_data = "modelDataPath" in index.values or "modelDataPaths" in index.values
    if not has_data and "emotions" in emotion_fields(info).values:
        return "emotion"
    raise UserError(
        f"{info.path} does not say a family of models that is known: it has the type {family!r}.",
        "Models of the families regression and diffusion, and Audio2Emotion, can be used.",
    )


def _member(index: JsonFields, key: str) -> Path:
    return _inside(index.path, index.values.get(key), key)


def _inside(index: Path, name: Any, key: str) -> Path:
    """Path of a file that model.json names; it has to lie in the model's folder."""
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise UserError(f"{index} does not name its {key}.", _AGAIN)
    # By its name alone: the user's own links (download caches are made of them) are welcome
    forms = (PurePosixPath(name), PureWindowsPath(name))
    if any(form.is_absolute() or form.drive or ".." in form.parts for form in forms):
        raise UserError(
            f"{index} names a file outside of the model's folder ({name}).",
            "Only use models from people you trust.",
        )
    if len(name) > limits.MAX_HUB_PATH or not forms[0].name:
        raise UserError(f"{index}: {key} is no file name.", _AGAIN)
    return index.parent / name


def _regression(index: JsonFields, info: JsonFields, network: Path) -> FolderFiles:
    def optional(key: str) -> Path | None:
        return _member(index, key) if index.values.get(key) else None

    rigs = index.values.get("blendshapePaths")
    person = IdentityFiles(
        _member(index, "modelConfigPath"),
        _member(index, "modelDataPath"),
        _rig(index.path, rigs, "skin"),
        _rig(index.path, rigs, "tongue"),
    )
    files = FolderFiles(
        index.path.parent,
        "regression",
        info,
        index.path,
        network,
        clip_network=optional("clipNetworkPath"),
        live_network=optional("liveNetworkPath"),
        database=optional("emotionDatabasePath"),
        people=(person,),
    )
    names = info.section("params").names("identities", limits.MAX_IDENTITIES, ())
    names = names or (files.actor or files.name,)
    return replace(files, identities=names, people=(person,) * len(names))


def _diffusion(index: JsonFields, info: JsonFields, network: Path) -> FolderFiles:
    names = info.section("params").names("identities", limits.MAX_IDENTITIES)
    if not names:
        raise UserError(f"{info.path}: identities names nobody.", _AGAIN)
    configs = _list(index, "modelConfigPaths", len(names))
    data = _list(index, "modelDataPaths", len(names))
    rigs: list[Any] = [None] * len(names)
    if index.values.get("blendshapePaths"):
        rigs = _list(index, "blendshapePaths", len(names))
    people = tuple(
        IdentityFiles(
            _inside(index.path, config, "modelConfigPaths"),
            _inside(index.path, arrays, "modelDataPaths"),
            _rig(index.path, rig, "skin"),
            _rig(index.path, rig, "tongue"),
        )
        for config, arrays, rig in zip(configs, data, rigs, strict=True)
    )
    return FolderFiles(
        index.path.parent,
        "diffusion",
        info,
        index.path,
        network,
        identities=names,
        people=people,
    )


def _list(index: JsonFields, key: str, length: int) -> list[Any]:
    """A list of model.json that has to have one entry for each identity."""
    found = index.values.get(key)
    if not isinstance(found, list):
        raise UserError(f"{index.path}: {key} has to be a list, one entry per identity.", _AGAIN)
    if len(found) != length:
        raise UserError(
            f"{index.path}: {key} has {len(found)} entries for {length} identities.", _AGAIN
        )
    return found


def _rig(index: Path, rigs: Any, part: str) -> RigFiles | None:
    """A rig's files; models need not have one."""
    entry = rigs.get(part) if isinstance(rigs, dict) else None
    if not entry:
        return None
    if not isinstance(entry, dict):
        raise UserError(f"{index}: the blend shapes of the {part} have to be an object.", _AGAIN)
    key = f"blendshapePaths {part}"
    return RigFiles(
        _inside(index, entry.get("data"), key), _inside(index, entry.get("config"), key)
    )
