# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom: one table, and a walk over all imports of the extension."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from .tree import ROOT, files, name_of

BLENDER = {"bpy", "bmesh", "mathutils", "bpy_extras", "gpu", "gpu_extras", "blf", "aud", "pxr"}
NATIVE = {"onnxruntime", "scipy", "sounddevice", "soundfile"}
THREADS = {"threading", "_thread", "concurrent", "multiprocessing", "asyncio"}


@dataclass(frozen=True)
class Layer:
    """What a folder may import: parts of ours (by prefix), and modules besides the library's."""

    ours: frozenset[str]
    others: frozenset[str] = frozenset()
    lazy: frozenset[str] = frozenset()  # inside functions only
    threads: bool = False


def layer(
    ours: str, others: set[str], lazy: set[str] | None = None, threads: bool = False
) -> Layer:
    return Layer(frozenset(ours.split()), frozenset(others), frozenset(lazy or ()), threads)


LAYERS = {
    "core": layer("core", {"numpy"}, NATIVE),
    "worker": layer("worker core", {"numpy"}, NATIVE, threads=True),
    "providers": layer("providers core worker.messages worker.link", {"numpy"}),
    "scene": layer("scene core", {"numpy"} | BLENDER),
    "properties": layer("properties core", BLENDER),
    "operators": layer(
        "operators preferences scene providers properties core", {"numpy"} | BLENDER
    ),
    "api": layer("api operators scene providers properties core", {"numpy"} | BLENDER),
    "panels": layer("panels preferences properties operators core scene.versions", BLENDER),
    "preferences": layer("properties panels core scene.places", BLENDER),
    "translations": layer("", BLENDER),
    "registration": layer("translations preferences properties operators panels api", set()),
    "__init__": layer("registration", set()),
}


@dataclass(frozen=True)
class Import:
    """One imported module, by the name that it has below the root when it is ours."""

    file: str
    line: int
    module: str
    ours: bool
    in_function: bool


def imports_of(path: Path, text: str) -> list[Import]:
    """Every import of a file; those for the type checker only are left out."""
    package = name_of(path).removesuffix(".py").split("/")[:-1]
    found: list[Import] = []

    def visit(node: ast.AST, in_function: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.orelse:
                visit(statement, in_function)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(node, alias.name, False, in_function)
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            add(node, node.module or "", False, in_function)
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module or "").split(".")
            base = [part for part in base if part]
            for alias in node.names:
                add(node, ".".join([*base, alias.name]), True, in_function)
        inside = in_function or isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    def add(node: ast.Import | ast.ImportFrom, module: str, ours: bool, in_function: bool) -> None:
        found.append(Import(name_of(path), node.lineno, module, ours, in_function))

    visit(ast.parse(text), False)
    return found


def fault(layer: Layer, one: Import) -> str:
    """Why a layer may not have this import; empty if it may."""
    if one.ours:
        allowed = any(f"{one.module}.".startswith(f"{prefix}.") for prefix in layer.ours)
        return "" if allowed else "is above it or beside it"
    top = one.module.split(".")[0]
    if top in THREADS:
        return "" if layer.threads else "is for the worker alone"
    if top in layer.lazy:
        return "" if one.in_function else "is to be imported inside the function that uses it"
    known = top in layer.others or top in sys.stdlib_module_names
    return "" if known else "is not among what this layer may know"


def layer_of(path: Path) -> str:
    first = name_of(path).split("/")[0]
    return first.removesuffix(".py")


SOURCES = [path for path in files(".py") if layer_of(path) in LAYERS]


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_imports_only_what_it_may(name: str) -> None:
    faults = [
        f"{one.file}:{one.line}: {one.module} {reason}"
        for path in SOURCES
        if layer_of(path) == name
        for one in imports_of(path, path.read_text(encoding="utf-8"))
        if (reason := fault(LAYERS[name], one))
    ]
    assert not faults, "\n".join(faults)


def test_the_root_imports_nothing_when_it_is_loaded() -> None:
    text = (ROOT / "__init__.py").read_text(encoding="utf-8")
    assert all(one.in_function for one in imports_of(ROOT / "__init__.py", text))


def test_panels_call_no_operators() -> None:
    calls = [name_of(path) for path in SOURCES if layer_of(path) == "panels"]
    calls = [name for name in calls if "bpy.ops" in (ROOT / name).read_text(encoding="utf-8")]
    assert not calls


def test_blender_versions_are_told_apart_in_one_place() -> None:
    places = [
        name_of(path)
        for path in SOURCES
        if "bpy.app.version" in path.read_text(encoding="utf-8")
        and name_of(path) != "scene/versions.py"
    ]
    uses = [name for name in places if not _only_reports(ROOT / name)]
    assert not uses


def _only_reports(path: Path) -> bool:
    """Whether a file takes only the version's text, for people to read."""
    text = path.read_text(encoding="utf-8")
    return text.count("bpy.app.version") == text.count("bpy.app.version_string")


@pytest.mark.parametrize(
    ("name", "line", "fine"),
    [
        ("core", "import numpy as np", True),
        ("core", "import bpy", False),
        ("core", "from ..scene import actions", False),
        ("core", "from . import audio", True),
        ("core", "import scipy.signal", False),
        ("core", "def f():\n    import scipy.signal", True),
        ("core", "from threading import Thread", False),
        ("worker", "import threading", True),
        ("providers", "from ..worker import session", False),
        ("providers", "from ..worker.link import Link", True),
        ("scene", "from ..operators import head", False),
        ("scene", "import soundfile", False),
    ],
)
def test_the_walk_sees_what_it_should(name: str, line: str, fine: bool) -> None:
    (one,) = imports_of(ROOT / name / "example.py", line)
    assert (fault(LAYERS[name], one) == "") is fine
