# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "download": a model from a hub into a folder, every file compared with its hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from ..core import hub, limits
from ..core.errors import Cancelled, UserError
from ..core.memory import megabytes
from ..core.models.model import read_index
from . import arguments
from .calls import Call, Reply
from .staging import PART, Staging, staging
from .transfer import Transfer, size_of

PATIENCE_S = 300.0  # of whoever watches: connections are tried again and again
_BLOCK = 1 << 20
_MAX_PAGES = 50


def download(call: Call) -> Reply:
    """Download a model; the folder appears when all of it is there and right.

    {title, repository, revision, folder, sha256: {path: hash}, hub, notice}
    -> {folder, revision, files, bytes}. ``hub`` is the hub's address, "" the usual one; ``notice``
    goes into a file NOTICE.txt. What arrived before a cancel or an error is used the next time.
    Raises UserError and Cancelled.
    """
    where = "download"
    known = ("title", "repository", "revision", "folder", "sha256", "hub", "notice")
    arguments.only(call.args, known, where)
    folder = arguments.full_path(call.args, "folder", where)
    repository = arguments.text(call.args, "repository", where) or ""
    revision = arguments.text(call.args, "revision", where) or "main"
    if folder is None or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UserError("A download needs a folder and a repository, OWNER/NAME.")
    pinned = arguments.table(call.args, "sha256", where)
    source = _Source(
        hub.hub_address(arguments.text(call.args, "hub", where) or ""),
        repository,
        revision,
        arguments.text(call.args, "title", where) or repository,
    )
    with staging(Path(folder)) as place:
        fetching = _Fetching(call, source, place)
        files = fetching.list_files({path: str(value) for path, value in pinned.items()})
        fetching.fetch(files)
        read_index(place.part)  # a folder that nobody can use is not worth showing
        fetching.sign(files, arguments.text(call.args, "notice", where) or "")
        place.publish()
    total = sum(file.size for file in files)
    return {"folder": folder, "revision": source.commit, "files": len(files), "bytes": total}, {}


class _Source:
    """A version of a repository; ``commit`` is its full name once the hub has told it."""

    def __init__(self, address: str, repository: str, revision: str, title: str) -> None:
        self.address, self.repository, self.title = address, repository, title
        self.commit = revision

    def file(self, path: str) -> str:
        return hub.file_address(self.address, self.repository, self.commit, path)


class _Fetching:
    """One run of the job."""

    def __init__(self, call: Call, source: _Source, place: Staging) -> None:
        self._call, self._source, self._place = call, source, place
        self._transfer = Transfer(call.cancelled)
        self._done = 0
        self._total = 1
        self._share = 0.0

    def _tell(self, have: int, stage: str) -> None:
        """``have`` bytes are there. Never goes back, though a file may have to be fetched anew."""
        self._share = max(self._share, min(have / self._total, 1.0))
        self._call.progress(self._share, stage, PATIENCE_S)

    def list_files(self, sha256: dict[str, str]) -> tuple[hub.HubFile, ...]:
        """Ask the hub what there is and check that it may come in. Raises UserError."""
        self._tell(0, f"Asking for {self._source.title}")
        source = self._source
        address = hub.listing_address(source.address, source.repository, source.commit)
        files: list[hub.HubFile] = []
        for _ in range(_MAX_PAGES):
            page = self._transfer.page(address, limits.MAX_JSON_BYTES)
            files += hub.read_listing(page.data, urlsplit(address).hostname or "")
            commit = page.headers.get("X-Repo-Commit", "")
            if re.fullmatch("[0-9a-f]{40}", commit):
                source.commit = commit  # the files are then all of this one version
            following = re.search(r'<([^>]+)>;\s*rel="next"', page.headers.get("Link", ""))
            if following is None:
                break
            address = urljoin(address, following[1])
            if urlsplit(address)[:2] != urlsplit(source.address)[:2]:
                raise UserError(f"The list of files of {source.title} goes on elsewhere.")
        hub.check_files(tuple(files), source.title, sha256)
        return tuple(files)

    def fetch(self, files: tuple[hub.HubFile, ...]) -> None:
        """Bring every file that is not there yet; each has its own name once it is right."""
        wanted = {file.path for file in files}
        for path in self._place.leftovers():
            name = path.relative_to(self._place.part).as_posix()
            if name not in wanted and name.removesuffix(PART) not in wanted:
                path.unlink()
        self._total = max(1, sum(file.size for file in files))
        missing = []
        for file in files:
            if self._is_right(self._place.part / file.path, file):
                self._done += file.size
            else:
                missing.append(file)
        begun = sum(size_of(self._part(file)) for file in missing)
        self._place.check_space(max(0, sum(file.size for file in missing) - begun))
        for file in missing:
            self._fetch_one(file)

    def _fetch_one(self, file: hub.HubFile) -> None:
        target, part = self._place.part / file.path, self._part(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        self._transfer.file(self._source.file(file.path), part, file.size, self._teller(file))
        if not self._is_right(part, file):
            part.unlink()
            if not resumed:
                raise UserError(
                    f"{file.path} of {self._source.title} is refused: its contents are not those "
                    "that were published (the hash differs).",
                    "Try again later, or with another connection.",
                )
            self._fetch_one(file)  # the old beginning may have been of another version
            return
        _flush(part)
        os.replace(part, target)
        self._done += file.size

    def _teller(self, file: hub.HubFile) -> Callable[[int], None]:
        def told(have: int) -> None:
            now = self._done + have
            self._tell(now, f"{file.path}: {megabytes(now)} of {megabytes(self._total)}")

        return told

    def _is_right(self, path: Path, file: hub.HubFile) -> bool:
        if not path.is_file() or path.stat().st_size != file.size:
            return False
        if file.sha256:
            found, wanted = hashlib.sha256(), file.sha256
        else:  # git names contents by SHA-1 of a head and themselves; it is no secret to guard
            found, wanted = hashlib.sha1(usedforsecurity=False), file.blob
            found.update(b"blob %d\0" % file.size)
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                if self._call.cancelled():
                    raise Cancelled("Cancelled.")
                found.update(block)
                self._tell(self._done, f"Checking {file.path}")
        return found.hexdigest() == wanted

    def _part(self, file: hub.HubFile) -> Path:
        path = self._place.part / file.path
        return path.with_name(path.name + PART)

    def sign(self, files: tuple[hub.HubFile, ...], notice: str) -> None:
        """Write where the folder comes from, and the notice that its licence asks for."""
        origin = {
            "hub": self._source.address,
            "repository": self._source.repository,
            "revision": self._source.commit,
            "files": {file.path: file.sha256 or file.blob for file in files},
        }
        text = json.dumps(origin, indent=2) + "\n"
        (self._place.part / hub.ORIGIN).write_text(text, encoding="utf-8")
        if notice and not any(file.path == "NOTICE.txt" for file in files):
            (self._place.part / "NOTICE.txt").write_text(notice + "\n", encoding="utf-8")


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
