# SPDX-License-Identifier: GPL-3.0-or-later
"""The published face models: where they lie, and what a hub's list of files may say.

Nothing here goes online: ``worker/download`` does, and believes nothing that is not checked here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from . import limits
from .errors import UserError
from .file_names import name_problem
from .safe_files import parse_json

ADDRESS = "https://huggingface.co"
ADDRESS_VARIABLE = "FACEWRIGHT_HUB"
ORIGIN = "facewright-origin.json"  # says where a folder came from; it is ours to delete

_TRUST = "Only download models from places you trust."
_AGAIN = "Try again later."


@dataclass(frozen=True)
class PublishedModel:
    """A model that can be downloaded.

    ``key``       its name here and of its folder
    ``revision``  the version that was looked at; a newer one is never taken unasked
    ``size``      bytes, about
    ``sha256``    of files whose contents are known beforehand
    """

    key: str
    title: str
    repository: str
    revision: str
    size: int
    text: str
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        return f"{ADDRESS}/{self.repository}"


PUBLISHED = (
    PublishedModel(
        "audio2face-3d-v2.3-mark",
        "Mark (v2.3)",
        "nvidia/Audio2Face-3D-v2.3-Mark",
        "5451728e07378df93b04523279e134a9993ae71b",
        325_000_000,
        "Expressive. Any frame rate.",
        {"network.onnx": "dcd16d3b1affb090d4da1ba88791faa6bcd755f97c853b3b667abad9be15cb4b"},
    ),
    PublishedModel(
        "audio2face-3d-v2.3.1-claire",
        "Claire (v2.3.1)",
        "nvidia/Audio2Face-3D-v2.3.1-Claire",
        "a46eafb067adfdd7cc8f5c7941586b309004561c",
        320_000_000,
        "Calmer, best for Mandarin. Any frame rate.",
    ),
    PublishedModel(
        "audio2face-3d-v2.3.1-james",
        "James (v2.3.1)",
        "nvidia/Audio2Face-3D-v2.3.1-James",
        "327d000d9f76e370014a9b7467b23ea36846b680",
        260_000_000,
        "Strong articulation. Any frame rate.",
    ),
    PublishedModel(
        "audio2face-3d-v3.0",
        "Claire, James and Mark (v3.0)",
        "nvidia/Audio2Face-3D-v3.0",
        "b74132732fd9a9d29b237bec193ded64c9745e91",
        850_000_000,
        "Better emotion and non-verbal sounds, at 60 frames per second.",
        {"network.onnx": "db47c2701ca849de443c9e9f25657210f829a74fc458ee6fed603a8a501253a8"},
    ),
)


def published(key: str) -> PublishedModel:
    """The published model of this key. Raises UserError."""
    for model in PUBLISHED:
        if model.key == key:
            return model
    raise UserError(
        f"There is no published model called {key!r}.",
        f"Choose one of {', '.join(model.key for model in PUBLISHED)}.",
    )


def hub_address(given: str = "") -> str:
    """The hub's address without a slash at its end: the given one, the environment's, or the
    public one. Raises UserError when it is no address."""
    address = (given or os.environ.get(ADDRESS_VARIABLE, "") or ADDRESS).rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise UserError(
            f"{address!r} is no address of a model hub.",
            f"Set {ADDRESS_VARIABLE} to one that begins with https://, or to nothing.",
        )
    return address


def may_follow(source: str, target: str) -> bool:
    """Whether a redirection may be followed: to any https address, and from http to the same
    computer only. Hubs keep large files elsewhere; what arrives is checked by its hash."""
    there, here = urlsplit(target), urlsplit(source)
    if there.username or not there.hostname:
        return False
    if there.scheme == "https":
        return True
    return there.scheme == here.scheme == "http" and there.hostname == here.hostname


@dataclass(frozen=True)
class HubFile:
    """A file of a repository. Large ones carry ``sha256``, all others ``blob``: git's name of
    their contents. One of both is never empty."""

    path: str
    size: int
    sha256: str = ""
    blob: str = ""


def listing_address(hub: str, repository: str, revision: str) -> str:
    return f"{hub}/api/models/{quote(repository)}/tree/{quote(revision, safe='')}?recursive=true"


def file_address(hub: str, repository: str, revision: str, path: str) -> str:
    return f"{hub}/{quote(repository)}/resolve/{quote(revision, safe='')}/{quote(path)}"


def read_listing(data: bytes, where: str) -> tuple[HubFile, ...]:
    """The files of one page of a listing, hidden ones left out. Raises UserError.

    Every path is one that can be put below a folder on every system and stays there.
    """
    rows = parse_json(data, f"The list of files at {where}")
    if not isinstance(rows, list):
        raise UserError(f"The list of files at {where} is not one.", _AGAIN)
    files = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("path"), str):
            raise UserError(f"The list of files at {where} is not one.", _AGAIN)
        path = row["path"]
        if row.get("type") != "directory" and not _hidden(path):
            files.append(_file(row, path, where))
    return tuple(files)


def check_files(files: tuple[HubFile, ...], model: str, sha256: Mapping[str, str]) -> None:
    """Refuse a listing as a whole: doubled names, too much, other contents than are known.

    ``sha256`` are the hashes that files have to have. Raises UserError.
    """
    names = [file.path.casefold() for file in files]
    if len(set(names)) != len(names):
        raise UserError(f"{model} lists two files of the same name.", _TRUST)
    total = sum(file.size for file in files)
    if len(files) > limits.MAX_HUB_FILES or total > limits.MAX_HUB_BYTES:
        raise UserError(f"{model} is too large: {len(files)} files, {total} bytes.", _TRUST)
    if "model.json" not in names:
        raise UserError(f"{model} is no model: it has no model.json.", "Choose another version.")
    found = {file.path: file.sha256 for file in files}
    for path, wanted in sha256.items():
        if found.get(path, "") != wanted:
            raise UserError(
                f"{model} holds another {path} than the one that is known; nothing was downloaded.",
                "Look for a newer Facewright, or download the model by hand and add its folder.",
            )


def _hidden(path: str) -> bool:
    """Housekeeping of the hub, such as .gitattributes; never a way upwards."""
    parts = path.split("/")
    return any(part.startswith(".") and part not in (".", "..") for part in parts)


def _file(row: Mapping[str, object], path: str, where: str) -> HubFile:
    if not _is_plain(path):
        raise UserError(f"The list of files at {where} names {path!r}, which is refused.", _TRUST)
    large = row.get("lfs")
    source: Mapping[str, object] = large if isinstance(large, dict) else row
    size, name = source.get("size"), source.get("oid")
    digits = 64 if isinstance(large, dict) else 40
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise UserError(f"The list of files at {where} gives no size for {path}.", _AGAIN)
    name = str(name).removeprefix("sha256:").lower()
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", name):
        raise UserError(f"The list of files at {where} gives no hash for {path}.", _AGAIN)
    return HubFile(path, size, name) if digits == 64 else HubFile(path, size, blob=name)


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return (
        0 < len(path) <= limits.MAX_HUB_PATH
        and "/".join(parts) == path
        and not path.startswith("/")
        and not any(part.startswith(".") or name_problem(part) for part in parts)
    )
