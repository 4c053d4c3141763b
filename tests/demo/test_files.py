# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``tools/dev.py demo`` made, read by other programs than Blender.

FACEWRIGHT_DEMO is the folder of a demo on the sample voice, FACEWRIGHT_DEMO_OTHER one of another
voice; ``tools/dev.py test`` runs both demos first.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES

FOLDERS = ("FACEWRIGHT_DEMO", "FACEWRIGHT_DEMO_OTHER")
DARK, FLAT, ALIKE = 0.02, 0.02, 1e-4  # of the range from black to white


@pytest.fixture(params=FOLDERS)
def folder(request) -> Path:
    path = os.environ.get(request.param)
    if not path:
        pytest.skip("no demo was made; `tools/dev.py test --only demo` makes one")
    return Path(path)


@pytest.fixture
def weights(folder) -> dict:
    return json.loads((folder / "talking.json").read_text(encoding="utf-8"))


@pytest.fixture
def names() -> tuple[str, ...]:
    return (*ARKIT_NAMES, *TONGUE_NAMES)


def test_the_json_has_every_pose_and_moves_the_lips(weights, names):
    assert weights["facsNames"] == list(names)
    matrix = np.array(weights["weightMat"])
    assert matrix.shape == (weights["numFrames"], len(names)) and len(matrix) > 48
    moving = {name for name, way in zip(names, np.ptp(matrix, axis=0), strict=True) if way > 0.1}
    assert {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"} <= moving
    assert len([name for name in moving if name.startswith("mouth")]) >= 8
    assert [name for name in moving if name.startswith("tongue")]


def test_the_usd_carries_the_json(folder, weights, names):
    usd, skel = pytest.importorskip("pxr.Usd"), pytest.importorskip("pxr.UsdSkel")
    stage = usd.Stage.Open(str(folder / "talking.usdc"))
    matrix = np.array(weights["weightMat"])
    shapes: set[str] = set()
    curves: dict[str, np.ndarray] = {}
    for prim in stage.Traverse():
        shapes.update(skel.BindingAPI(prim).GetBlendShapesAttr().Get() or ())
        animation = skel.Animation(prim)
        attribute = animation.GetBlendShapeWeightsAttr() if animation else None
        if attribute and attribute.GetNumTimeSamples():
            values = np.array([attribute.Get(time) for time in attribute.GetTimeSamples()])
            shown = animation.GetBlendShapesAttr().Get()
            curves.update({name: values[:, column] for column, name in enumerate(shown)})
    assert set(names) <= shapes and set(names) <= set(curves)
    for column, name in enumerate(names):
        np.testing.assert_allclose(curves[name], matrix[:, column], atol=1e-3, err_msg=name)


def test_the_movie_is_seen_and_heard(folder, weights):
    av = pytest.importorskip("av")
    if not (folder / "talking.mp4").exists():
        pytest.skip("this machine cannot render with OpenGL; the demo said so")
    with av.open(str(folder / "talking.mp4")) as movie:
        rate = float(movie.streams.video[0].average_rate)
        frames = [frame.to_ndarray(format="gray") / 255.0 for frame in movie.decode(video=0)]
    with av.open(str(folder / "talking.mp4")) as movie:
        sound = np.concatenate([part.to_ndarray().ravel() for part in movie.decode(audio=0)])
    assert 24 <= rate <= 30
    assert len(frames) == weights["numFrames"]
    assert min(frame.mean() for frame in frames) > DARK
    assert min(frame.std() for frame in frames) > FLAT
    changes = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames)]
    assert np.mean(np.array(changes) > ALIKE) > 0.5
    assert np.abs(sound).max() > 0.05


def test_the_picture_is_a_sheet_of_twelve_different_faces(folder):
    av = pytest.importorskip("av")
    if not (folder / "talking.png").exists():
        pytest.skip("this machine cannot render with OpenGL; the demo said so")
    with av.open(str(folder / "talking.png")) as picture:
        pixels = next(picture.decode(video=0)).to_ndarray(format="gray") / 255.0
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 6
    faces = [
        pixels[row * height : (row + 1) * height, column * width : (column + 1) * width]
        for row in range(2)
        for column in range(6)
    ]
    for number, face in enumerate(faces):
        assert face.std() > FLAT
        for other in faces[:number]:
            assert np.abs(face - other).mean() > ALIKE


def test_another_voice_moves_the_face_in_another_way():
    paths = [os.environ.get(name) for name in FOLDERS]
    if None in paths:
        pytest.skip("two demos are needed; `tools/dev.py test --only demo` makes them")
    texts = [(Path(str(path)) / "talking.json").read_bytes() for path in paths]
    assert texts[0] != texts[1]


def test_the_same_voice_gives_the_same_bytes():
    first, again = os.environ.get(FOLDERS[0]), os.environ.get("FACEWRIGHT_DEMO_AGAIN")
    if not first or not again:
        pytest.skip("two runs are needed; `tools/dev.py test --only demo` makes them")
    one, two = ((Path(path) / "talking.json").read_bytes() for path in (first, again))
    assert one == two
