# SPDX-License-Identifier: GPL-3.0-or-later
"""Wraps saved by Blender 4.2 and 4.5 do the same in every Blender, without the extension.

Each Blender reads what the makers save; a maker also lets the others read its own. So whatever
Blender is set up and tested first, every pair of those that are here has been tried in the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bpy
import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("wrap_files.py")
MAKERS = ("bpy42", "bpy45")
OTHERS = ("bpy50", "bpy52")
LIMIT_S = 120
OWN = f"bpy{bpy.app.version[0]}{bpy.app.version[1]}"
EXACT = 1e-5


def _python(env: str) -> Path:
    """The Python of a Blender that stands beside ours."""
    return Path(sys.prefix).parent / env / Path(sys.executable).relative_to(sys.prefix)


def _run(env: str, folder: Path, *words: str) -> None:
    python = sys.executable if env == OWN else str(_python(env))
    (folder / env).mkdir(exist_ok=True)
    environ = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / env)}
    done = subprocess.run(
        [python, str(SCRIPT), *words],
        env=environ, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def here():
    """The Blenders that are set up: their names, ours among them."""
    if not Path(sys.executable).is_relative_to(sys.prefix):
        return {OWN}
    return {OWN, *(env for env in (*MAKERS, *OTHERS) if _python(env).is_file())}


@pytest.fixture(scope="module")
def saved(here, tmp_path_factory):
    """A folder with a file of each maker, and where its meshes were there."""
    folder = tmp_path_factory.mktemp("wraps")
    makers = [env for env in MAKERS if env in here]
    if not makers:
        pytest.skip("neither Blender 4.2 nor 4.5 is set up here")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda env: _run(env, folder, "make", *_files(folder, env)), makers))
    return {env: _files(folder, env) for env in makers}, folder


def _files(folder: Path, env: str) -> tuple[str, str]:
    return str(folder / f"{env}.blend"), str(folder / f"{env}.npy")


def _agrees(saved, reader: str, makers: list[str]) -> None:
    files, folder = saved
    target = folder / f"{reader}-{'-'.join(makers)}.npz"
    _run(reader, folder, "read", str(target), *(files[env][0] for env in makers))
    with np.load(target) as found:
        for env, name in zip(makers, found.files, strict=True):
            expected = np.load(files[env][1])
            assert np.abs(found[name] - expected).max() < EXACT, (env, reader)
            rest, _between, bent = expected
            moved = np.abs(bent - rest).max(axis=(1, 2))
            assert (moved > 0.1).all(), "nothing moves"


def test_files_of_the_makers_are_the_same_here(saved):
    _agrees(saved, OWN, sorted(saved[0]))


@pytest.mark.skipif(OWN not in MAKERS, reason="only 4.2 and 4.5 save for others")
def test_others_read_ours_alike(saved, here):
    readers = sorted(here - {OWN})
    if not readers:
        pytest.skip("no other Blender is set up here")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda env: _agrees(saved, env, [OWN]), readers))
