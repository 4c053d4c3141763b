# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of checks names tests that exist; and the one check that belongs to no stage."""

from __future__ import annotations

import re

import numpy as np
import pytest
import references
import stub_diffusion
from facewright.core.models.model import load_model
from facewright.core.network import diffusion
from facewright.core.network import listening as network

NAMED = re.compile(r"`(tests/[a-z_0-9/]+\.py)::(test_[a-z_0-9]+)`")


@pytest.fixture
def checks(root):
    return (root / "docs" / "checks.md").read_text(encoding="utf-8")


def test_every_test_named_in_the_list_of_checks_exists(root, checks):
    found = NAMED.findall(checks)
    assert len(found) == checks.count("::")
    missing = [
        f"{path}::{name}"
        for path, name in found
        if not re.search(rf"^def {name}\(", (root / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not missing


def test_every_line_of_the_list_of_checks_names_a_test(checks):
    lines = [line for line in checks.splitlines() if line.startswith("| ") and "what" not in line]
    lines = [line for line in lines if not line.startswith("|---")]
    assert len(lines) >= 40
    assert all("::" in line for line in lines)


def test_two_steps_of_a_thousand_are_the_first_and_the_last(tmp_path):
    """At the last of the steps nothing random is added, so the first row of noise is unused."""
    assert references.respaced(1000, 2) == [0, 999]
    stub = stub_diffusion.make_stub_diffusion(tmp_path / "m")
    model = load_model(stub.folder)
    info = model.info.diffusion
    assert info.steps == len(references.respaced(1000, info.steps)) == 2
    noise = diffusion.noise_for(model, 0, None)
    assert noise.shape[1] == 3
    session = network.open_session(model, 1).session
    feeds = {
        "window": np.full((1, 16000), 0.1, np.float32),
        "identity": np.eye(3, dtype=np.float32)[:1],
        "emotion": np.zeros((1, 30, 10), np.float32),
        "input_latents": np.zeros((2, 2, 1, 256), np.float32),
        "noise": noise,
    }

    def prediction(row):
        changed = noise.copy()
        changed[:, row] += 1.0
        return session.run(["prediction"], {**feeds, "noise": changed})[0]

    (plain,) = session.run(["prediction"], feeds)
    np.testing.assert_array_equal(prediction(0), plain)
    assert (prediction(1) != plain).any()
    assert (prediction(2) != plain).any()
