# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python modules the worker runs with, and what to do when one of them cannot be used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

# numpy is Blender's own: it is imported here, before a folder of wheels can offer another one
import numpy as np

from .messages import Fields

# name of the package, and the module whose import shows that it really works
PACKAGES = {
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "scipy": "scipy.linalg",
    "soundfile": "soundfile",
}
_SITE_NAMES = ("site-packages", "dist-packages")


def use_site_folders(folders: Sequence[str]) -> None:
    """Put ``folders`` on the module path: after the standard library, before site-packages."""
    paths = [path for path in sys.path if path not in folders]
    first = next((i for i, path in enumerate(paths) if Path(path).name in _SITE_NAMES), len(paths))
    sys.path[:] = [*paths[:first], *folders, *paths[first:]]
    importlib.invalidate_caches()


def describe() -> Fields:
    """Import what the jobs need and report it.

    "python", "numpy", "onnxruntime", "scipy", "soundfile": each {"version", "file"};
    "problems": package name -> sentence with the fix, for those that cannot be used.
    """
    report: Fields = {"python": {"version": sys.version.split()[0], "file": sys.executable}}
    problems: dict[str, str] = {}
    for package, module_name in PACKAGES.items():
        try:
            importlib.import_module(module_name)
            module = sys.modules[package]
            version = str(getattr(module, "__version__", ""))
            report[package] = {"version": version, "file": str(module.__file__)}
        except Exception as error:  # a broken package may raise anything
            problems[package] = explain(package, error)
    return {**report, "problems": problems}


def explain(package: str, error: Exception) -> str:
    """Say in one or two sentences why ``package`` cannot be used and what helps."""
    if "initialization routine failed" in str(error):
        return (
            f"{package} could not start because this computer's Microsoft Visual C++ runtime is"
            " too old. Install the latest Microsoft Visual C++ Redistributable (x64) and restart"
            " Blender."
        )
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return f"{package} is missing. Install Facewright again from its zip file."
    return (
        f"{package} cannot be used beside numpy {np.__version__} ({type(error).__name__}: {error})."
        " Another extension may have replaced it: disable other extensions or install Facewright"
        " again."
    )
