# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender with a window, from Debian's packages, on a screen that exists in memory only.

Debian trixie has Blender 4.3.2 with Python 3.13, which takes the zip as shipped. It is set up in a
folder of the cache and entered by chroot in a mount namespace of its own, so that nothing of the
machine changes. The mirror is the one that the machine's own apt uses.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

from .console import Failure, run, say, stage
from .places import ROOT, cache, locked
from .process import watch

SUITE = "trixie"
WHERE = "Blender 4.3 (Debian) / 3.13"
PACKAGES = (
    "blender xvfb xauth imagemagick x11-utils libgl1-mesa-dri libegl1 libegl-mesa0"
    " fonts-dejavu-core python3-numpy python3-cattr python3-requests python3-zstandard"
)
SCRIPT_LIMIT_S = 240
SCREEN = "1280x800x24"
VOICE = ROOT / "assets" / "sample_voice.flac"

# Runs in a mount namespace of its own: what it mounts is gone when it ends
ENTER = """
set -e
root=$1; checkout=$2; shots=$3; shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/checkout" "$root/shots"
mount --bind "$checkout" "$root/checkout"
mount --bind "$shots" "$root/shots"
chroot "$root" "$@"
exit $?  # not exec: Xvfb tells nobody that it is ready when its parent is process 1
"""


class Unavailable(Exception):
    """Why there can be no window on this machine."""


class Run(NamedTuple):
    """How one script of tests/gui ended; the code is None when it had to be stopped."""

    name: str
    code: Optional[int]
    seconds: float
    note: str


def scripts() -> List[Path]:
    return sorted((ROOT / "tests" / "gui").glob("test_*.py"))


def obstacle() -> str:
    """What keeps this machine from showing a window, as far as can be told at once."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "needs Linux on x86_64"
    if os.geteuid() != 0:
        return "needs root, to enter a Debian folder with chroot"
    for program in ("unshare", "mount", "chroot"):
        if not shutil.which(program):
            return f"needs the program {program}"
    if not _ready(_folder()) and not shutil.which("debootstrap") and not shutil.which("apt-get"):
        return "needs debootstrap, and there is no apt-get to install it"
    return "" if scripts() else "there are no scripts in tests/gui"


def set_up() -> Path:
    """The Debian folder with Blender in it; made once, which takes a minute or two."""
    folder = _folder()
    if not _ready(folder):
        with locked("gui"):
            if not _ready(folder):
                with stage(f"Debian {SUITE} with Blender"):
                    try:
                        _make(folder)
                    except Failure as failure:
                        raise Unavailable(f"set-up failed: {failure}") from None
    return folder


def run_all(archive: Path, pattern: str) -> Iterator[Run]:
    """Run each script in a Blender of its own, with an empty home; pictures go to out/gui."""
    folder = set_up()
    shots = ROOT / "out" / "gui"
    shots.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        if pattern in script.stem:
            yield _run_one(folder, script, archive, shots)


def _run_one(folder: Path, script: Path, archive: Path, shots: Path) -> Run:
    say(f"\n-- {script.name}")
    inside = Path("/checkout")
    words = ["blender", "--gpu-backend", "opengl", "--enable-event-simulate"]
    words += ["--window-geometry", "0", "0", "1280", "800", "--python-exit-code", "3"]
    words += ["--python", str(inside / script.relative_to(ROOT))]
    screen = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN} +extension GLX"]
    settings = {
        "FACEWRIGHT_ZIP": str(inside / archive.relative_to(ROOT)),
        "FACEWRIGHT_VOICE": str(inside / VOICE.relative_to(ROOT)),
        "FACEWRIGHT_SHOTS": "/shots",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with _home(folder) as home:
        settings.update(HOME=home, XDG_RUNTIME_DIR=home, TMPDIR=home)
        began = time.monotonic()
        _lines, code = watch(_entered(folder, shots, [*screen, *words], settings), SCRIPT_LIMIT_S)
    note = f"stopped after {SCRIPT_LIMIT_S} s" if code is None else ""
    if code:
        note = f"exit code {code}"
    return Run(script.stem, code, time.monotonic() - began, note)


@contextlib.contextmanager
def _home(folder: Path) -> Iterator[str]:
    """An empty home inside the Debian folder, by its path from inside."""
    name = f"/tmp/facewright-{os.getpid()}-{time.monotonic_ns()}"  # noqa: S108 - of that folder
    home = folder / name[1:]
    home.mkdir(parents=True, mode=0o700)
    try:
        yield name
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _entered(
    folder: Path, shots: Path, words: Sequence[str], settings: Dict[str, str]
) -> List[str]:
    """The command that runs these words inside the Debian folder."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    named = [path] + [f"{key}={value}" for key, value in settings.items()]
    namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    namespace += ["--propagation", "private"]
    enter = ["sh", "-c", ENTER, "enter", str(folder), str(ROOT), str(shots)]
    return [*namespace, *enter, "env", "-i", *named, *words]


# ---- making the Debian folder


def _folder() -> Path:
    return cache() / "gui" / SUITE


def _ready(folder: Path) -> bool:
    file = folder / "facewright-packages"
    return file.exists() and file.read_text(encoding="utf-8") == PACKAGES


def _make(folder: Path) -> None:
    if not shutil.which("debootstrap"):
        apt = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        run(["apt-get", "update", "-qq"], 300)
        run([*apt, "debootstrap", "debian-archive-keyring"], 300)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mirror = _mirror()
    run(["debootstrap", "--variant=minbase", SUITE, folder, mirror], 900)
    shutil.copyfile("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    _pass_on_apt_settings(folder)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["apt-get", "-o", "Acquire::Check-Valid-Until=false", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES.split()],
        ["apt-get", "clean"],
    ):
        run(_entered(folder, folder / "tmp", words, quiet), 1200, what=" ".join(words[:2]))
    (folder / "facewright-packages").write_text(PACKAGES, encoding="utf-8")


def _mirror() -> str:
    """The Debian mirror of the machine's own apt, from either form of its lists."""
    places = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources")]
    places += Path("/etc/apt/sources.list.d").glob("*.list")
    for place in places:
        if not place.exists():
            continue
        text = place.read_text(encoding="utf-8", errors="replace")
        for found in re.finditer(r"(?m)^(?:URIs:|deb)\s.*?(\w+://\S+/debian)/?(?:\s|$)", text):
            return found.group(1)
    raise Failure("no Debian mirror is named in /etc/apt")


def _pass_on_apt_settings(folder: Path) -> None:
    """Proxies and certificates that the machine's apt needs, the folder's apt needs too."""
    for place in Path("/etc/apt/apt.conf.d").glob("*"):
        text = place.read_text(encoding="utf-8", errors="replace")
        if "Proxy" in text or "https" in text:
            shutil.copyfile(place, folder / "etc" / "apt" / "apt.conf.d" / place.name)
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():
        (folder / "etc" / "ssl" / "certs").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle, folder / "etc" / "ssl" / "certs" / bundle.name)
