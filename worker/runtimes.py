# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "fetch_runtime": libraries for a graphics processor, fetched by pip and no one else.

pip knows the user's own package index, mirror and proxy, and takes only files whose hash stands
in the lock. It runs in a process of its own, which a cancel ends.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ..core.errors import Cancelled, UserError
from ..core.memory import megabytes
from ..core.runtimes import (
    LOCK,
    MARKER,
    TITLES,
    Runtime,
    RuntimeWheel,
    find_runtime,
    this_platform,
    this_python,
    unusable,
)
from . import arguments
from .calls import Call, Reply
from .staging import IN_USE, Staging, staging

RUN = Path(__file__).with_name("pip_run.py")
POLL_S = 0.2
CHECKING_S = 300.0  # that reading one large file may take on a slow disk
UNPACKING_SHARE = 0.15  # of the progress
_FILES, _TEMPORARY, _LOG, _LIST = ".files", ".tmp", "pip.log", "pip.txt"
_LATER = "Check the connection and pip's settings and try again: whole files are kept."


def fetch_runtime(call: Call) -> Reply:
    """Fetch a runtime; the folder appears when all of it is there.

    {name: "cuda" | "directml", folder, lock} -> {folder, version, bytes}; ``lock`` is another
    list of files than the extension's own. Raises UserError and Cancelled.
    """
    where = "fetch_runtime"
    arguments.only(call.args, ("name", "folder", "lock"), where)
    name = arguments.text(call.args, "name", where) or ""
    folder = arguments.full_path(call.args, "folder", where)
    lock = arguments.full_path(call.args, "lock", where)
    runtime = find_runtime(name, lock=Path(lock) if lock else LOCK)
    if runtime is None:
        raise UserError(
            f"There is no {TITLES.get(name, name)} runtime for {this_platform()} and "
            f"Python {this_python()}.",
            "Choose another processor.",
        )
    if folder is None:
        raise UserError("A runtime needs a folder.")
    with staging(Path(folder)) as place:
        _Fetching(call, runtime, place).run()
        place.publish()
    return {"folder": folder, "version": runtime.version, "bytes": _bytes_in(Path(folder))}, {}


class _Fetching:
    """One run of the job: one file after the other, then all of them unpacked together."""

    def __init__(self, call: Call, runtime: Runtime, place: Staging) -> None:
        self._call, self._runtime, self._place = call, runtime, place
        self._files = place.part / _FILES
        self._temporary = place.part / _TEMPORARY
        self._share = 0.0

    def run(self) -> None:
        pip = _pip_wheel()
        self._clear()
        self._files.mkdir(exist_ok=True)
        self._check()
        have = _bytes_in(self._files)
        self._place.check_space(self._runtime.disk_needed - have)
        for wheel in self._runtime.wheels:
            if not (self._files / wheel.file).is_file():
                self._fetch(pip, wheel)
        self._unpack(pip)
        reason = unusable(self._place.part)
        if reason:
            raise UserError(f"The runtime that was fetched cannot be used: {reason}.")
        marker = {
            "name": self._runtime.name,
            "version": self._runtime.version,
            "files": {wheel.file: wheel.sha256 for wheel in self._runtime.wheels},
        }
        for name in (_FILES, _TEMPORARY):
            shutil.rmtree(self._place.part / name)
        for name in (_LOG, _LIST):
            (self._place.part / name).unlink()
        text = json.dumps(marker, indent=2) + "\n"
        (self._place.part / MARKER).write_text(text, encoding="utf-8")

    def _tell(self, share: float, stage: str) -> None:
        """Never goes back, though pip moves files out of the folder that is measured."""
        self._share = max(self._share, share)
        self._call.progress(self._share, stage)

    def _clear(self) -> None:
        """Take away all but whole files: what an earlier try has left half done."""
        for path in self._place.part.iterdir():
            if path.name in (_FILES, IN_USE):
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _check(self) -> None:
        """Take away files that an earlier try has not got to their end."""
        for wheel in self._runtime.wheels:
            path = self._files / wheel.file
            if path.is_file():
                self._call.progress(self._share, "Checking what is here already", CHECKING_S)
                if path.stat().st_size != wheel.size or _sha256(path) != wheel.sha256:
                    path.unlink()

    def _fetch(self, pip: str, wheel: RuntimeWheel) -> None:
        done, total = _bytes_in(self._files), self._runtime.size

        def tell() -> None:
            now = min(done + _bytes_in(self._temporary), total)
            share = (1 - UNPACKING_SHARE) * now / total
            self._tell(share, f"{wheel.package}: {megabytes(now)} of {megabytes(total)}")

        words = ["download", "--require-hashes", "--dest", str(self._files)]
        self._pip(pip, words, [wheel], tell)
        if not (self._files / wheel.file).is_file():
            raise UserError(f"pip fetched another file than {wheel.file}.", _LATER)

    def _unpack(self, pip: str) -> None:
        total = max(1, self._runtime.unpacked)

        def tell() -> None:
            share = min(1.0, _bytes_in(self._temporary) / total)
            self._tell(1 - UNPACKING_SHARE * (1 - share), "Unpacking")

        words = ["install", "--require-hashes", "--no-index", "--find-links", str(self._files)]
        words += ["--no-user", "--no-compile", "--no-warn-script-location"]
        words += ["--target", str(self._place.part)]
        self._pip(pip, words, self._runtime.wheels, tell)

    def _pip(
        self,
        pip: str,
        words: Sequence[str],
        wheels: Sequence[RuntimeWheel],
        tell: Callable[[], None],
    ) -> None:
        """Run pip to its end, or end it at a cancel. Raises UserError when it fails."""
        listing = self._place.part / _LIST
        lines = [f"{w.package}=={w.version} --hash=sha256:{w.sha256}" for w in wheels]
        listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        command = [sys.executable, "-I", "-X", "utf8", str(RUN), pip, *words]
        command += ["--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(listing)]
        log_path = self._place.part / _LOG
        with log_path.open("wb") as log:
            code = self._watch(command, log.fileno(), tell)
        if code != 0:
            said = log_path.read_text("utf-8", "replace")
            raise _explained(said, wheels[0] if len(wheels) == 1 else None)

    def _watch(self, command: Sequence[str], log: int, tell: Callable[[], None]) -> int:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=self._place.part,
            env=self._environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            while process.poll() is None:
                if self._call.cancelled():
                    raise Cancelled("Cancelled.")
                tell()
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        return process.returncode

    def _environment(self) -> dict[str, str]:
        """The user's own, with pip's temporary files where we can see and delete them."""
        folder = str(self._temporary)
        ours = {"TMPDIR": folder, "TEMP": folder, "TMP": folder, "PIP_REQUIRE_VIRTUALENV": "0"}
        return {**os.environ, **ours}


def _pip_wheel() -> str:
    """The pip to run: "" for the installed one, else the wheel that Python keeps for venv.

    Raises UserError when this Python has neither.
    """
    if importlib.util.find_spec("pip") is not None:
        return ""
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR")]
    spec = importlib.util.find_spec("ensurepip")
    if spec is not None and spec.origin:
        folders.append(str(Path(spec.origin).parent / "_bundled"))
    for folder in filter(None, folders):
        for wheel in sorted(Path(folder).glob("pip-*.whl")):
            return str(wheel)
    raise UserError(
        "This Blender's Python has no pip, with which runtimes are fetched.",
        "Make a folder with pip install --target on another Python of the same version, and "
        "choose it with Use a Folder.",
    )


def _explained(said: str, wheel: RuntimeWheel | None) -> UserError:
    """What pip said, as a sentence."""
    what = wheel.file if wheel else "The runtime"
    errors = [line.removeprefix("ERROR:").strip() for line in said.splitlines() if "ERROR" in line]
    last = (errors or said.strip().splitlines() or ["it gave no reason"])[-1][:300]
    if "DO NOT MATCH" in said:
        return UserError(
            f"{what} is refused: the package index has another file of this name (the hash "
            "differs).",
            "Use another index.",
        )
    if "No matching distribution" in said or "no versions" in said:
        return UserError(
            f"{what} is not to be had: pip found no such file in the package index.",
            "Check pip's settings (index-url, PIP_INDEX_URL) and the connection.",
        )
    if "No space left" in said:
        return UserError(f"The disk is full: {what} could not be fetched.", "Free some space.")
    return UserError(f"{what} could not be fetched; pip says: {last.rstrip('.')}.", _LATER)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bytes_in(folder: Path) -> int:
    total = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it may just have been moved
                total += os.stat(os.path.join(place, name)).st_size
    return total
