# SPDX-License-Identifier: GPL-3.0-or-later
"""House rules that a linter does not know."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .tree import ROOT, files, name_of

PYTHON = files(".py")
LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later"
MOST_LINES = 500
TELLING_NAMES = {"LICENSE", "LICENSES", "THIRD-PARTY.md", "README.md"}


def test_every_program_states_its_licence() -> None:
    bare = [name_of(p) for p in PYTHON if not p.read_text("utf-8").startswith(LICENCE)]
    assert not bare


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in PYTHON}
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_LINES}


def test_names_are_plain() -> None:
    """Lower case and ASCII, so that a checkout is the same on every file system."""

    def plain(path: Path) -> bool:
        parts = path.relative_to(ROOT).parts
        return all(
            re.fullmatch(r"[a-z0-9_.\-]+", part) or part in TELLING_NAMES
            for part in parts
            if part.rpartition(".")[0] not in _spdx_names()
        )

    assert not [name_of(path) for path in files() if not plain(path)]


def _spdx_names() -> set[str]:
    return {path.stem for path in (ROOT / "LICENSES").glob("*.txt")}


@pytest.mark.parametrize(
    "path",
    [p for p in PYTHON if re.fullmatch(r"tools/(dev|devtools/\w+)\.py", name_of(p))],
    ids=name_of,
)
def test_the_script_parses_on_old_pythons(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


def test_no_registry_and_no_machine_is_named() -> None:
    """Packages come through the machine's own clients, which know from where."""
    words = re.compile(
        r"pypi\.org|pythonhosted|deb\.debian|snapshot\.debian|registry\.npmjs|/root/"
    )
    texts = [path for path in files() if path.suffix in {".py", ".txt", ".toml", ".md", ".in", ""}]
    found = [
        name_of(path)
        for path in texts
        if path != Path(__file__) and words.search(path.read_text("utf-8", errors="replace"))
    ]
    assert not found


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    listed = {row.split("|")[1].strip() for row in page.splitlines() if row.startswith("| ")}
    direct = set()
    for path in files(".in"):
        lines = path.read_text("utf-8").splitlines()
        direct |= {re.split(r"[=<>\[ ;]", line)[0] for line in lines if line and line[0] != "#"}
    lock = (ROOT / "wheels" / "wheels.lock.toml").read_text("utf-8")
    direct |= set(re.findall(r'(?m)^package = "(.+)"$', lock))
    assert not direct - listed - {"-r"}
