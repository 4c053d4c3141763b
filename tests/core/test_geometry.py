# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's whole geometry on meshes, against the published formulas on vertices."""

from __future__ import annotations

import dataclasses
import struct
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import references
import stubs
from facewright.core import pipeline
from facewright.core.errors import Cancelled, UserError
from facewright.core.face import geometry
from facewright.core.head import load_head
from facewright.core.models.model import load_model
from facewright.core.motion import at_rate
from facewright.core.postprocess.blink import blink_track
from facewright.core.voice.audio import Voice
from facewright.core.watch import Watch

SETTINGS = {
    "upper_face_strength": 0.7, "lower_face_strength": 1.4, "upper_face_smoothing": 0.06,
    "lower_face_smoothing": 0.02, "eyelid_open_offset": 0.3, "blink_strength": 1.2,
    "lip_open_offset": -0.15, "tongue_strength": 1.5, "tongue_height_offset": 0.2,
    "tongue_depth_offset": -0.1, "blink_interval": 0.9, "skin_strength": 1.3,
}  # fmt: skip
AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # Y up to Z up


@pytest.fixture(scope="module")
def take(stub, voice_file):
    request = pipeline.Request(
        Voice(path=str(voice_file)), stub.folder, Fraction(24000, 1001), SETTINGS
    )
    return pipeline.animate(request)


def read_pc2(path):
    """Frames (T, V, 3) of a file, from the format's description."""
    data = path.read_bytes()
    assert data[:12] == b"POINTCACHE2\0"
    version, points, start, step, count = struct.unpack_from("<iiffi", data, 12)
    assert (version, start, step) == (1, 0.0, 1.0)
    return np.frombuffer(data, "<f4", offset=32).reshape(count, points, 3)


def formulas(take, model, region):
    """Vertices (T, V, 3) in the model's space, one frame and one vertex at a time."""
    motion = at_rate(take.motion, take.face.fps, take.face.frame_count)
    if region == "tongue":
        return references.tongue_frames(model.data, motion.tongue, take.settings)
    blink = blink_track(motion.frame_count, motion.fps, model.data.blink_profile, take.settings)
    return references.skin_frames(model.data, motion.skin, blink, motion.fps, take.settings)


def written(path, take, model, region, rest, watch=None):
    mover = geometry.own_mover(model, region, rest)
    geometry.write_caches(take, model, region, {path: mover}, watch or Watch())
    return read_pc2(path)


@pytest.mark.parametrize("region", ["skin", "tongue"])
def test_the_networks_own_mesh_shows_the_formulas_geometry(tmp_path, take, model, region):
    rest = 0.01 * geometry.neutral_of(model, region) @ AXES.T + [0.1, 0.0, -1.5]
    found = written(tmp_path / "own.pc2", take, model, region, rest.astype(np.float32))
    expected = 0.01 * formulas(take, model, region) @ AXES.T + [0.1, 0.0, -1.5]
    assert np.ptp(expected, axis=0).max() > 5e-4  # it moves
    np.testing.assert_allclose(found, expected, atol=2e-7)


def test_a_mesh_of_another_size_and_turn_moves_as_it_stands(tmp_path, take, model):
    about = references_turn()
    neutral = model.data.skin_neutral.astype(float)
    found = written(tmp_path / "big.pc2", take, model, "skin", 2.5 * neutral @ about.T)
    expected = 2.5 * formulas(take, model, "skin") @ about.T
    np.testing.assert_allclose(found, expected, atol=1e-4)


def references_turn():
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    return turn * np.sign(np.linalg.det(turn))


def test_other_proportions_keep_their_shape(tmp_path, take, model):
    """A mesh of the topology whose face differs moves by the network's displacements."""
    neutral = model.data.skin_neutral.astype(float)
    bumps = np.random.default_rng(1).normal(0, 0.3, neutral.shape)
    rest = (neutral + bumps).astype(np.float32)
    found = written(tmp_path / "other.pc2", take, model, "skin", rest)
    moves = formulas(take, model, "skin") - neutral
    lead = geometry.lead_to(neutral, rest)
    np.testing.assert_allclose(found, rest + moves @ lead.T, atol=2e-5)
    assert lead == pytest.approx(np.eye(3), abs=0.05)  # the likeness is found in spite of them
    still = np.abs(moves).max(axis=(1, 2)) == 0
    np.testing.assert_array_equal(found[still], np.broadcast_to(rest, found[still].shape))


def test_the_template_head_is_the_built_in_networks_mesh(root):
    model = load_model(root / "models" / "facewright")
    head = load_head(root / "assets" / "head.npz")
    for region in ("skin", "tongue"):
        neutral, part = geometry.neutral_of(model, region), head.parts[region].vertices
        assert geometry.lead_to(neutral, part) == pytest.approx(np.eye(3), abs=1e-4)
        assert np.abs(neutral - part - (neutral - part).mean(axis=0)).max() < 1e-3  # cm


def test_a_mesh_with_another_number_of_vertices_is_named(model):
    with pytest.raises(UserError, match="has 12 vertices, but stub moves 180 of the skin"):
        geometry.own_mover(model, "skin", np.zeros((12, 3), np.float32))
    with pytest.raises(UserError, match="at one place"):
        geometry.own_mover(model, "skin", np.zeros((180, 3), np.float32))


def test_a_cancelled_or_failed_run_leaves_no_file(tmp_path, take, model):
    asked = iter([False, True, True])
    watch = Watch(None, lambda: next(asked))
    mover = geometry.own_mover(model, "skin", model.data.skin_neutral)
    first, second = tmp_path / "a.pc2", tmp_path / "b.pc2"
    with pytest.raises(Cancelled):
        geometry.write_caches(take, model, "skin", {first: mover, second: mover}, watch)
    missing = tmp_path / "gone" / "b.pc2"
    with pytest.raises(UserError, match="does not exist"):
        geometry.write_caches(take, model, "skin", {first: mover, missing: mover}, Watch())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, take, model):
    resource = pytest.importorskip("resource")  # not on Windows
    mover = geometry.own_mover(model, "skin", model.data.skin_neutral)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(UserError, match=r"顔 の.pc2 cannot be written: .*") as failed:
            geometry.write_caches(take, model, "skin", {tmp_path / "顔 の.pc2": mover}, Watch())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free space" in failed.value.hint
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_length(tmp_path, voice_file):
    """Five thousand vertices: 1,000 frames would be 60 MB, and need what 500 frames need."""
    folder = stubs.make_stub_model(tmp_path / "large", vertices=5_000, skin_shapes=4).folder
    request = pipeline.Request(Voice(path=str(voice_file)), folder, Fraction(30))
    short, model = pipeline.animate(request), load_model(folder)
    mover = geometry.own_mover(model, "skin", model.data.skin_neutral)
    peaks, sizes = [], []
    for frames in (500, 1_000):
        take = longer(short, frames)
        path = tmp_path / f"{frames}.pc2"
        tracemalloc.start()
        geometry.write_caches(take, model, "skin", {path: mover}, Watch())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(path.stat().st_size)
        path.unlink()
    assert sizes == [32 + 5_000 * 12 * frames for frames in (500, 1_000)]
    assert peaks[1] < peaks[0] + 2e6
    assert all(len(block) <= 16 for block in geometry.displacements(short, model, "skin"))


def longer(take, frames):
    """The take, said over and over again."""
    motion = take.motion
    rows = np.arange(frames) % motion.frame_count
    parts = {name: getattr(motion, name)[rows] for name in ("skin", "tongue", "jaw", "eyes")}
    face = take.face
    rows = np.arange(frames) % face.frame_count
    return dataclasses.replace(
        take,
        motion=dataclasses.replace(motion, fps=face.fps, **parts),
        face=dataclasses.replace(
            face, weights=face.weights[rows], jaw=face.jaw[rows], eyes=face.eyes[rows]
        ),
    )
