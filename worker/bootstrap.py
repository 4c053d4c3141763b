# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the extension's root as a package outside Blender.

Inside Blender the package is called ``bl_ext.<repository>.facewright``; a checkout may be called
anything. Programs that run by file path (the worker, tests, tools, training) load it under one
fixed name, so that relative imports work everywhere and each module exists once.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def load_package(name: str = "facewright") -> ModuleType:
    """Return the root package, imported under ``name``; a second call returns the same module."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT / '__init__.py'} cannot be loaded as a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
