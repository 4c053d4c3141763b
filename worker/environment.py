# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python modules the worker runs with, and what to do when one of them cannot be used."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
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
_AGAIN = "Install Facewright again from its zip file."
_OTHERS = (
    "Another extension may have replaced it: disable other extensions or install Facewright again."
)
_VISUAL = (
    "Install the latest Microsoft Visual C++ Redistributable (x64), which Microsoft offers at"
    " https://aka.ms/vs/17/release/vc_redist.x64.exe, and restart Blender."
)
# How the loaders of Linux and macOS name what they miss
_MISSING_LIBRARY = (
    re.compile(r"([\w.+-]+\.so[\w.+-]*): cannot open shared object file"),
    re.compile(r"Library not loaded: *(\S+)"),
)
_OLD_SYSTEM = re.compile(r"version [`'](GLIBC(?:XX)?_[\d.]+)'? not found|Symbol not found: *(\S+)")


def use_site_folders(folders: Sequence[str]) -> None:
    """Put ``folders`` on the module path: after the standard library, before site-packages."""
    paths = [path for path in sys.path if path not in folders]
    first = next((i for i, path in enumerate(paths) if Path(path).name in _SITE_NAMES), len(paths))
    sys.path[:] = [*paths[:first], *folders, *paths[first:]]
    importlib.invalidate_caches()


def describe(expected: Mapping[str, str] | None = None) -> Fields:
    """Import what the jobs need and report it.

    "python", "numpy", "onnxruntime", "scipy", "soundfile": each {"version", "file"};
    "providers": the processors that onnxruntime was built for, by its own names;
    "problems": package name -> sentence with the fix, for those that cannot be used;
    "notices": sentences about packages whose version is not the one of ``expected``.
    """
    report: Fields = {"python": {"version": sys.version.split()[0], "file": sys.executable}}
    problems: dict[str, str] = {}
    notices: list[str] = []
    for package, module_name in PACKAGES.items():
        try:
            importlib.import_module(module_name)
            module = sys.modules[package]
            version = str(getattr(module, "__version__", ""))
            report[package] = {"version": version, "file": str(module.__file__)}
        except Exception as error:  # a broken package may raise anything
            problems[package] = explain(package, error)
            continue
        wanted = (expected or {}).get(package, version)
        if version != wanted:
            notices.append(
                f"{package} {version} is used ({module.__file__}), but Facewright came with"
                f" {wanted}. {_OTHERS}"
            )
    onnxruntime = sys.modules.get("onnxruntime")
    providers: list[str] = getattr(onnxruntime, "get_available_providers", list)()
    return {**report, "providers": providers, "problems": problems, "notices": notices}


def explain(package: str, error: Exception) -> str:
    """Say in one or two sentences why ``package`` cannot be used and what helps."""
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return f"{package} is missing. {_AGAIN}"
    # Windows says the rest of the sentence in the user's own language
    if "DLL load failed" in text or "[WinError 126]" in text or "[WinError 1114]" in text:
        return (
            f"{package} could not start because this computer's Microsoft Visual C++ runtime is"
            f" missing or too old. {_VISUAL}"
        )
    for pattern in _MISSING_LIBRARY:
        if found := pattern.search(text):
            return _missing_library(package, found[1].rsplit("/")[-1])
    if found := _OLD_SYSTEM.search(text):
        return (
            f"{package} could not start because this system is too old for it:"
            f" {found[1] or found[2]} is not there. Use a newer system."
        )
    if "failed to map segment" in text or "Operation not permitted" in text:
        return (
            f"{package} could not start because its folder must not hold programs ({text})."
            " Allow running programs from the folder of Blender's extensions."
        )
    return (
        f"{package} cannot be used beside numpy {np.__version__} ({type(error).__name__}: {text})."
        f" {_OTHERS}"
    )


def _missing_library(package: str, library: str) -> str:
    if package.replace("-", "_") in library.replace("-", "_"):  # one of its own files
        return f"{package} could not start because its file {library} is missing. {_AGAIN}"
    return (
        f"{package} could not start because the shared library {library} is missing on this"
        " computer. Install it with the system's package manager and restart Blender."
    )
