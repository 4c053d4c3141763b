# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches: what other programs read in them, and that nothing is ever half-written."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import caches
from facewright.core.exchange.point_cache import Block, CacheClip, CacheMesh, identifiers

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cache_readers import read_maya, read_mdd, read_pc2

NTSC = Fraction(24000, 1001)
FRAMES, POINTS = 7, 5
OURS = [kind for kind, spec in caches.FORMATS.items() if spec.filling]
ONE_EACH = [kind for kind in OURS if not caches.FORMATS[kind].together]
CM = (
    np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) * 100.0
)  # Blender's metres, Z up, as Maya has them


def mesh(name="Face", points=POINTS):
    corners = np.arange(points)
    return CacheMesh(name, points, np.array([3, points - 1]), np.r_[corners[:3], corners[1:]])


def clip_of(*meshes, frames=FRAMES, rate=Fraction(30), first=1, metres=1.0, **more):
    return CacheClip("line", meshes or (mesh(),), frames, rate, first, metres, **more)


def points_of(clip, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(clip.frames, each.points, 3) for each in clip.meshes]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def write(base, kind, clip, points, at_once=3, places=None):
    with caches.writing(base, kind, clip) as take:
        for at in range(0, clip.frames, at_once):
            part = slice(at, at + at_once)
            take([Block(each[part], None if places is None else places[part]) for each in points])


def files(folder):
    return sorted(each.name for each in folder.iterdir())


# ---- what others read ---------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, -40, 1001])
def test_pc2(tmp_path, first):
    clip = clip_of(first=first)
    (points,) = points_of(clip)
    write(tmp_path / "a", "PC2", clip, [points])
    found = read_pc2(tmp_path / "a.pc2")
    np.testing.assert_array_equal(found.points, points)
    np.testing.assert_array_equal(found.times, first + np.arange(FRAMES))


@pytest.mark.parametrize("rate", [Fraction(30), NTSC])
def test_mdd(tmp_path, rate):
    clip = clip_of(rate=rate, first=5)
    (points,) = points_of(clip)
    write(tmp_path / "a", "MDD", clip, [points])
    found = read_mdd(tmp_path / "a.mdd")
    np.testing.assert_array_equal(found.points, points)
    np.testing.assert_allclose(found.times, np.arange(FRAMES) / float(rate), rtol=1e-6)


@pytest.mark.parametrize("kind", ["MC", "MCX"])
@pytest.mark.parametrize("points_count", [4, 5])  # with and without filling up to 8 bytes
@pytest.mark.parametrize(("first", "metres"), [(1, 1.0), (-10, 0.01)])
def test_maya(tmp_path, kind, points_count, first, metres):
    clip = clip_of(mesh(points=points_count), rate=Fraction(60), first=first, metres=metres)
    (points,) = points_of(clip)
    write(tmp_path / "a b", kind, clip, [points])
    found = read_maya(tmp_path / "a b.xml")
    np.testing.assert_allclose(found.points, metres * points @ CM.T, rtol=1e-5, atol=1e-6)
    ticks = 100 * (first + np.arange(FRAMES))
    np.testing.assert_array_equal(found.times, ticks)
    assert (found.more["start"], found.more["end"]) == (ticks[0], ticks[-1])
    assert found.more["time"] == f"{ticks[0]}-{ticks[-1]}"
    assert found.more["per_frame"] == 100
    assert found.more["channel"] == {
        "ChannelName": "FaceShape",
        "ChannelType": "FloatVectorArray",
        "ChannelInterpretation": "positions",
        "SamplingType": "Regular",
        "SamplingRate": "100",
        "StartTime": str(ticks[0]),
        "EndTime": str(ticks[-1]),
    }


@pytest.mark.parametrize("rate", [NTSC, Fraction(30000, 1001), Fraction(7)])
def test_frames_that_are_no_whole_ticks_never_drift(tmp_path, rate):
    clip = clip_of(frames=3000, rate=rate)
    write(tmp_path / "a", "MC", clip, points_of(clip), at_once=1000)
    found = read_maya(tmp_path / "a.xml")
    exact = (1 + np.arange(3000)) * 6000 / float(rate)
    assert np.abs(found.times - exact).max() <= 0.5 + 1e-6
    assert found.more["channel"]["SamplingType"] == "Irregular"


@pytest.mark.parametrize(
    ("name", "channel", "expected"),
    [
        ("Face", "*Shape", "FaceShape"),
        ("Tête 1", "*Shape", "Tete_1Shape"),
        ("頭", "*Shape", "MeshShape"),
        ("Face", "headShape", "headShape"),
    ],
)
def test_channels_have_names_that_maya_takes(tmp_path, name, channel, expected):
    clip = clip_of(mesh(name), channel=channel)
    write(tmp_path / "a", "MC", clip, points_of(clip))
    assert read_maya(tmp_path / "a.xml").more["channel"]["ChannelName"] == expected


def test_identifiers_are_plain_and_different():
    found = identifiers(["Head", "head", "1st", "頭", "顔", "a.b", ""])
    assert found == ["Head", "head_2", "_1st", "Mesh", "Mesh_2", "a_b", "Mesh_3"]


# ---- all formats alike --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OURS)
def test_blocks_of_any_size_give_the_same_file(tmp_path, kind):
    clip = clip_of()
    points = points_of(clip)
    contents = []
    for at_once in (1, 4, FRAMES):
        write(tmp_path / "a", kind, clip, points, at_once)
        contents.append([(tmp_path / name).read_bytes() for name in files(tmp_path)])
    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("kind", ONE_EACH)
def test_meshes_have_files_of_their_own(tmp_path, kind):
    clip = clip_of(mesh("歯 upper/1"), mesh("歯 upper:1", 9))
    write(tmp_path / "私の line", kind, clip, points_of(clip))
    endings = caches.FORMATS[kind].endings
    wanted = {f"私の line_歯 upper_1{n}{end}" for n in ("", "_2") for end in endings}
    assert set(files(tmp_path)) == wanted


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("broken_at", [0, 2])
def test_a_cancelled_cache_leaves_what_was_there(tmp_path, kind, broken_at):
    clip = clip_of()
    (points,) = points_of(clip)
    write(tmp_path / "a", kind, clip, [points])
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    for base in ("a", "new"):
        going = caches.writing(tmp_path / base, kind, clip)
        going.__enter__()([Block(points[:broken_at])])
        going.__exit__(GeneratorExit, GeneratorExit(), None)
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("count", [FRAMES - 1, FRAMES + 1])
def test_wrong_numbers_of_frames_give_no_file(tmp_path, kind, count):
    clip = clip_of()
    (points,) = points_of(clip_of(frames=count))
    with pytest.raises(ValueError), caches.writing(tmp_path / "a", kind, clip) as take:
        take([Block(points)])
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", OURS)
def test_points_that_are_no_numbers_are_named(tmp_path, kind):
    clip = clip_of(first=100)
    (points,) = points_of(clip)
    points[4, 2, 1] = np.nan
    with pytest.raises(UserError, match=r"'Face' has vertices that are nowhere.*near frame 103"):
        write(tmp_path / "a", kind, clip, [points])
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", ONE_EACH)
def test_both_files_or_none_where_one_is_open_elsewhere(tmp_path, kind, monkeypatch):
    """As Windows has it: a file that a program holds cannot be replaced."""
    clip = clip_of(mesh("a"), mesh("b"))
    old = points_of(clip)
    write(tmp_path / "a", kind, clip, old)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    held = tmp_path / f"a_b{caches.FORMATS[kind].endings[-1]}"
    replace = os.replace

    def refuse(source, target):
        if held in (Path(source), Path(target)):
            raise PermissionError(
                errno.EACCES, "The file is in use", str(source), None, str(target)
            )
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(
        UserError, match=rf"{held.name} cannot be written: The file is in use"
    ) as at:
        write(tmp_path / "a", kind, clip, points_of(clip, seed=1))
    assert "another program has the file open" in str(at.value)
    monkeypatch.undo()
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
@pytest.mark.parametrize("kind", OURS)
def test_a_disk_that_fills_up_leaves_nothing(tmp_path, kind):
    """The kernel ends the file at 100 kB, in the middle of a frame."""
    import resource
    import signal

    clip = clip_of(mesh(points=3000))
    points = points_of(clip)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot be written: File too large"):
            write(tmp_path / "a", kind, clip, points)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", OURS)
def test_a_disk_without_room_is_told_before_any_work(tmp_path, kind, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage)
    clip = clip_of(mesh(points=24_000), frames=3600)
    with pytest.raises(UserError, match=r"takes 1\.0 GB, 2 MB are free"):
        caches.writing(tmp_path / "a", kind, clip).__enter__()
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", OURS)
def test_places_that_cannot_be_written_are_named(tmp_path, kind):
    clip = clip_of()
    points = points_of(clip)
    with pytest.raises(UserError, match="nowhere does not exist"):
        write(tmp_path / "nowhere" / "a", kind, clip, points)
    (tmp_path / f"a{caches.FORMATS[kind].endings[-1]}").mkdir()
    with pytest.raises(UserError, match="not a file"):
        write(tmp_path / "a", kind, clip, points)
    assert files(tmp_path) == [f"a{caches.FORMATS[kind].endings[-1]}"]


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that none may write")
@pytest.mark.parametrize("kind", OURS)
def test_a_folder_that_none_may_write_is_named(kind):
    clip = clip_of()
    with pytest.raises(
        UserError, match=r"/sys/kernel/顔 a\.\w+ cannot be written: .* (denied|perm|sys)"
    ):
        write("/sys/kernel/顔 a", kind, clip, points_of(clip))


def test_memory_does_not_grow_with_the_frames(tmp_path):
    """A cache of 72 MB, from one frame: nothing of it is kept."""
    resource = pytest.importorskip("resource")
    clip = clip_of(mesh(points=24_000), frames=250)
    block = [Block(np.ones((1, 24_000, 3), np.float32))]
    for kind in OURS:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with caches.writing(tmp_path / "a", kind, clip) as take:
            for _frame in range(clip.frames):
                take(block)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        unit = 1e6 if sys.platform == "darwin" else 1e3
        assert grown / unit < 20, kind
        for name in files(tmp_path):
            (tmp_path / name).unlink()
