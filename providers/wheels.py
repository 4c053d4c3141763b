# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Blender has unpacked the extension's wheels."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def find_site_folder(package: str = "onnxruntime") -> str | None:
    """Return the first folder of the module path that holds ``package``, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent.parent)
