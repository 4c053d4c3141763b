# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that reads the face in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_a_file_of_weights_comes_back_and_what_is_wrong_is_told(make: Any, tmp_path: Path) -> None:
    worker = make.ready()
    path = tmp_path / "重 み.json"
    path.write_text(json.dumps({"facsNames": ["jawOpen"], "weightMat": [[0.5], [1]],
                                "exportFps": 24}))  # fmt: skip
    bad = tmp_path / "bad.usd"
    bad.write_text("#usda 1.0\n(")
    found = worker.submit("read_face", {"path": str(path)})
    failed = [
        worker.submit("read_face", args)
        for args in ({}, {"path": "here.json"}, {"path": str(bad)}, {"path": str(path), "x": 1})
    ]
    make.finish(worker, found, *failed)
    assert found.result["names"] == ["jawOpen"]
    assert found.result["fps"] == [24, 1]
    np.testing.assert_array_equal(found.arrays["weights"], [[0.5], [1]])
    assert found.arrays["jaw"].shape == (2, 4, 4)
    assert "head" not in found.arrays
    for ticket, words in zip(failed, ("No file", "full path", "bad.usd", "'x'"), strict=True):
        assert (ticket.state, ticket.kind) == ("failed", "user")
        assert words in ticket.error


@pytest.mark.parametrize("name", ["a.npz", "a.txt"])
def test_other_files_are_refused(make: Any, tmp_path: Path, name: str) -> None:
    worker = make.ready()
    path = tmp_path / name
    path.write_text("x")
    ticket = worker.submit("read_face", {"path": str(path), "fps": [30, 1]})
    make.finish(worker, ticket)
    assert (ticket.state, ticket.kind) == ("failed", "user")
    assert name in ticket.error
