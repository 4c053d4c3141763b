# SPDX-License-Identifier: GPL-3.0-or-later
"""The built head, and ways to pose it by names."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.head import load_head
from facewright.tools.head import wheel


@pytest.fixture(scope="session")
def head(root):
    return load_head(root / "assets" / "head.npz")


@pytest.fixture(scope="session")
def wheel_path():
    path = wheel.cache_folder() / wheel.NAME
    if not path.is_file():
        pytest.fail(f"{path} is missing: build the head first", pytrace=False)
    return path


@pytest.fixture(scope="session")
def weights(head):
    """A row of 52 weights from names; a name without its side means both sides."""

    def make(**amounts):
        names = head.skin.shape_names
        row = np.zeros(len(names), dtype=np.float32)
        for name, amount in amounts.items():
            for each in [name] if name in names else [f"{name}Left", f"{name}Right"]:
                row[names.index(each)] += amount
        return row

    return make


@pytest.fixture(scope="session")
def mirror(head):
    """For each skin vertex the one on the other side."""
    points = head.skin.vertices.astype(np.float64)
    flipped = points * [-1, 1, 1]
    return np.array([((points - each) ** 2).sum(axis=1).argmin() for each in flipped])
