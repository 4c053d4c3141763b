# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of the cache with Debian and its Blender in it, entered by chroot.

It is entered in a mount namespace of its own, so that nothing of the machine changes. The mirror is
the one that the machine's own apt uses.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from .console import Failure, run, stage
from .places import ROOT, cache, locked

PACKAGES = (
    "blender xvfb xauth imagemagick x11-utils libgl1-mesa-dri libegl1 libegl-mesa0"
    " fonts-dejavu-core python3-numpy python3-cattr python3-requests python3-zstandard"
)

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
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unavailable(Exception):
    """Why there can be no window on this machine."""


class Debian(NamedTuple):
    """A release, with the Blender and the Python that it has."""

    release: str
    blender: str
    python: str

    @property
    def where(self) -> str:
        return f"Blender {self.blender} / {self.python}, Debian {self.release}"

    @property
    def folder(self) -> Path:
        return cache() / "gui" / self.release

    def is_ready(self) -> bool:
        file = self.folder / "facewright-packages"
        return file.exists() and file.read_text(encoding="utf-8") == PACKAGES


def obstacle(debian: Debian) -> str:
    """What keeps this machine from having such a folder, as far as can be told at once."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "needs Linux on x86_64"
    if os.geteuid() != 0:
        return "needs root, to enter a Debian folder with chroot"
    for program in ("unshare", "mount", "chroot"):
        if not shutil.which(program):
            return f"needs the program {program}"
    if not (debian.is_ready() or shutil.which("debootstrap") or shutil.which("apt-get")):
        return "needs debootstrap, and there is no apt-get to install it"
    return ""


def set_up(debian: Debian) -> None:
    """Make the folder if it is not there; takes a few minutes and 1.5 GB."""
    if debian.is_ready():
        return
    with locked(f"gui-{debian.release}"):
        if debian.is_ready():
            return
        with stage(f"Debian {debian.release} with Blender"):
            try:
                _make(debian)
            except Failure as failure:
                raise Unavailable(f"set-up failed: {str(failure).splitlines()[0]}") from failure


def entered(
    debian: Debian, shots: Path, words: Sequence[str], settings: Dict[str, str]
) -> List[str]:
    """The command that runs these words inside; /checkout and /shots are the machine's own."""
    named = [f"PATH={SEARCH_PATH}"] + [f"{key}={value}" for key, value in settings.items()]
    namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    namespace += ["--propagation", "private"]
    enter = ["sh", "-c", ENTER, "enter", str(debian.folder), str(ROOT), str(shots)]
    return [*namespace, *enter, "env", "-i", *named, *words]


def _make(debian: Debian) -> None:
    if not shutil.which("debootstrap"):
        apt = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        run(["apt-get", "update", "-qq"], 300)
        run([*apt, "debootstrap", "debian-archive-keyring"], 300)
    folder = debian.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(["debootstrap", "--variant=minbase", debian.release, folder, _mirror()], 900)
    shutil.copyfile("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    _pass_on_apt_settings(folder)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["apt-get", "-o", "Acquire::Check-Valid-Until=false", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES.split()],
        ["apt-get", "clean"],
    ):
        run(entered(debian, folder / "tmp", words, quiet), 1200, what=" ".join(words[:2]))
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
