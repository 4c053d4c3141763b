# SPDX-License-Identifier: GPL-3.0-or-later
"""The file: built the same twice, complete, and refused when it is not a head."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.head import PART_NAMES, load_head
from facewright.core.head_parts import MATERIALS
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES
from facewright.tools.head import part as build_part
from facewright.tools.head import wheel


def test_two_builds_are_the_same_bytes_and_come_with_licences(root, wheel_path, tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    command = [sys.executable, root / "tools" / "head", "--wheel", wheel_path, "--out"]

    def build(folder):
        subprocess.run([*command, folder], check=True, timeout=300, capture_output=True)

    with ThreadPoolExecutor() as pool:  # side by side, since each takes some seconds
        list(pool.map(build, folders))
    for name, licence in (("head", "CC0"), ("sample_target", "Apache License")):
        first, second = (folder / f"{name}.npz" for folder in folders)
        assert first.read_bytes() == second.read_bytes()
        note = folders[0] / f"LICENSE-{name.replace('_', '-')}.txt"
        assert wheel.SHA256 in note.read_text(encoding="utf-8")
        assert licence in note.read_text(encoding="utf-8")


def test_a_changed_wheel_is_refused(tmp_path):
    fake = tmp_path / wheel.NAME
    fake.write_bytes(b"not the wheel")
    with pytest.raises(wheel.WheelError, match="sha256"):
        wheel.ensure(fake)


def test_names_and_their_order_are_the_fields(head):
    assert head.skin.shape_names == ARKIT_NAMES
    assert set(head.parts["tongue"].shape_names) == {*TONGUE_NAMES, "tongueOut"}
    assert head.parts["tongue"].shape_names[:16] == TONGUE_NAMES


def test_every_part_is_a_usable_mesh(head):
    assert tuple(head.parts) == PART_NAMES
    assert build_part.MATERIALS == MATERIALS
    for part in head.parts.values():
        corners = part.faces[part.faces >= 0]
        assert np.array_equal(np.unique(corners), np.arange(len(part.vertices))), part.name
        # No face uses a vertex twice.
        for face in np.sort(part.faces, axis=1)[:, 1:].T[:2]:
            assert (face >= 0).all()
        ordered = np.sort(part.faces, axis=1)
        assert (np.diff(ordered, axis=1)[ordered[:, 1:] >= 0] > 0).all(), part.name


def test_faces_look_outwards(head):
    """A closed surface whose faces look outwards encloses a positive volume."""
    for name in ("eye_left", "eye_right", "tongue", "upper_denture", "lower_denture"):
        part = head.parts[name]
        points = part.vertices.astype(np.float64) - part.vertices.mean(axis=0)
        volume = 0.0
        for a, b, c in ((0, 1, 2), (0, 2, 3)):
            faces = part.faces[part.faces[:, c] >= 0]
            corners = points[faces[:, [a, b, c]]]
            volume += np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
        assert volume > 0, name


def test_the_head_has_a_heads_size(head):
    low, high = head.skin.vertices.min(axis=0), head.skin.vertices.max(axis=0)
    chin = head.skin.vertices[head.landmarks["chin"][0]]
    assert 20 < high[1] - chin[1] < 25
    assert 14 < high[0] - low[0] < 25
    assert head.eye_centres[1, 0] > 0 > head.eye_centres[0, 0]


def test_shapes_follow_on_lashes_and_brows(head, weights):
    assert set(head.parts["lashes"].shape_names) <= set(ARKIT_NAMES)
    blink = head.parts["lashes"].shapes[head.parts["lashes"].shape_names.index("eyeBlinkLeft")]
    left = head.parts["lashes"].vertices[:, 0] > 0
    assert blink[left, 1].min() < -0.8
    assert np.abs(blink[~left]).max() < 1e-3
    brows = head.parts["brows"]
    down = brows.shapes[brows.shape_names.index("browDownLeft")]
    up = brows.shapes[brows.shape_names.index("browOuterUpLeft")]
    left = brows.vertices[:, 0] > 0
    assert down[left, 1].mean() < -0.1
    assert up[left, 1].mean() > 0.1


def test_a_missing_file_says_how_to_build_it(tmp_path):
    with pytest.raises(UserError, match=r"missing.*tools/head"):
        load_head(tmp_path / "head.npz")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.pop("part/skin/shapes"),
        lambda arrays: arrays.update(format=np.array(99, dtype=np.int32)),
        lambda arrays: arrays["part/skin/faces"].__setitem__((0, 0), 10**6),
        lambda arrays: arrays["part/skin/vertices"].__setitem__((0, 0), np.nan),
        lambda arrays: arrays.update({"jaw_pivot": np.zeros(2, dtype=np.float32)}),
        lambda arrays: arrays.update({"landmark/chin": np.array([10**6], dtype=np.int32)}),
    ],
)
def test_a_spoiled_file_is_refused_by_name(root, tmp_path, spoil):
    with np.load(root / "assets" / "head.npz") as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    spoil(arrays)
    path = tmp_path / "spoiled.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=r"spoiled\.npz"):
        load_head(path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(UserError, match=r"text\.npz"):
        load_head(path)
