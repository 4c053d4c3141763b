# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests stand on: the package under its fixed name and, inside bpy, the installed zip."""

from __future__ import annotations

import importlib
import importlib.util
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE = "bl_ext.user_default.facewright"
HAS_BLENDER = importlib.util.find_spec("bpy") is not None

if HAS_BLENDER:
    # Before anything imports bpy: a user folder of our own, so that nobody's settings are touched
    os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="facewright-user-")
    import bpy  # noqa: F401 - only now can tests import Blender's other modules
else:
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Tests of Blender's side need bpy, tests of a window need Blender; the rest need neither."""
    parts = (
        collection_path.relative_to(ROOT / "tests").parts if ROOT in collection_path.parents else ()
    )
    if not parts:
        return None
    inside = parts[0] in ("blender", "package")
    return True if parts[0] == "gui" or inside != HAS_BLENDER else None


_exit_status = 0


def pytest_sessionfinish(exitstatus: int) -> None:
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """bpy may hang when the interpreter ends, so it does not get the chance."""
    if "bpy" not in sys.modules:
        return
    shutil.rmtree(os.environ["BLENDER_USER_RESOURCES"], ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status)


_lines: list[str] = []


@pytest.fixture(scope="session")
def report() -> Callable[[str], None]:
    """Takes a line that is shown below the tests' results: a figure worth knowing."""
    return _lines.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _lines:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def archive() -> Path:
    """The zip as users get it."""
    named = os.environ.get("FACEWRIGHT_ZIP", "")
    if not Path(named).is_file():
        pytest.fail("FACEWRIGHT_ZIP names no zip: start the tests with tools/dev.py test", False)
    return Path(named)


@pytest.fixture(scope="session")
def extension(archive: Path):
    """The extension's root module, installed from the zip and enabled in this Blender."""
    import bpy

    bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True
    )
    return importlib.import_module(MODULE)
