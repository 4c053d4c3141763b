# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's wheels: where Blender has unpacked them, and which versions they are."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

WHEELS = Path(__file__).resolve().parent.parent / "wheels"


def find_site_folder(package: str = "onnxruntime") -> str | None:
    """Return the first folder of the module path that holds ``package``, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent.parent)


def shipped_versions(folder: Path = WHEELS) -> dict[str, str]:
    """Versions of the packages that came with the extension for this Python, by package name.

    Told by the wheels' file names; empty where there are none.
    """
    tags = {f"cp{sys.version_info[0]}{sys.version_info[1]}", "py3"}
    versions: dict[str, str] = {}
    try:
        names = sorted(path.name for path in folder.glob("*.whl"))
    except OSError:
        return {}
    for name in names:
        match = re.fullmatch(r"([\w.]+)-([\w.]+)-([\w.]+)-([\w.]+)-[\w.]+\.whl", name)
        if match and (tags & set(match[3].split(".")) or match[4] == "abi3"):
            versions[match[1]] = match[2]
    return versions
