# SPDX-License-Identifier: GPL-3.0-or-later
"""The library's cheap look at a folder: no array, no network, figures for the table."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import stubs
from facewright.core import safe_files
from facewright.core.errors import UserError
from facewright.core.models.index import good_at
from facewright.core.models.model import load_emotion_model, load_model, read_index

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30


@pytest.fixture
def blind(monkeypatch):
    """Nobody may open an array or a network."""

    def refuse(*_: object) -> None:
        raise AssertionError("an array was opened")

    monkeypatch.setattr(safe_files.NpzReader, "__init__", refuse)
    monkeypatch.setattr("facewright.core.models.onnx_header.check_network_file", refuse)


@pytest.mark.parametrize("family", sorted(stubs.FAMILIES))
def test_a_look_opens_no_array_and_lists_every_file(families, blind, family):
    folder = families[family]
    index = read_index(folder)
    assert index.family == family
    assert index.name == folder.name
    assert {path.name for path in folder.iterdir()} - {path.name for path in index.files} <= {
        "trt_info.json"
    }
    assert all(path.is_file() for path in index.files)
    assert index.size_bytes == sum(path.stat().st_size for path in index.files)


def test_the_look_says_the_same_as_the_whole_model(families):
    for family in ("regression", "diffusion"):
        index, model = read_index(families[family]), load_model(families[family])
        assert (index.identities, index.fps) == (model.identities, model.info.fps)
        assert index.emotions == model.info.emotions
        assert index.licence == model.licence
        assert (index.actor, index.version) == (model.info.actor, model.info.version)
    emotion = read_index(families["emotion"])
    assert emotion.emotions == load_emotion_model(families["emotion"]).emotions
    assert (emotion.identities, emotion.fps) == ((), None)


def test_frame_rates_and_languages_in_words(families, tmp_path):
    assert read_index(families["regression"]).frame_rate == "Any frame rate"
    assert read_index(families["diffusion"]).frame_rate == "60 frames per second"
    stubs.make_stub_diffusion(tmp_path, left=7, right=8, center=15)
    index = read_index(tmp_path)
    assert (index.fps, index.frame_rate) == (Fraction(30), "30 frames per second")
    assert index.languages == "Every language"


@pytest.mark.parametrize(
    ("actor", "gib"), [("mark", 3.0), ("claire", 2.9), ("james", 2.9)]
)  # fmt: skip
def test_published_figures_of_memory_are_shown_for_known_models(tmp_path, actor, gib):
    stubs.make_stub_model(tmp_path)
    path = tmp_path / "network_info.json"
    values = json.loads(path.read_text())
    values["id"]["actor"] = actor
    path.write_text(json.dumps(values))
    index = read_index(tmp_path)
    assert index.memory_known
    assert index.memory_bytes == pytest.approx(gib * GIB, abs=1)
    assert index.good_at


def test_the_published_diffusion_model_takes_4_4_gib(families):
    index = read_index(families["diffusion"])
    assert index.memory_known
    assert index.memory_bytes == pytest.approx(4.4 * GIB, abs=1)
    assert "non-verbal" in index.good_at


def test_memory_of_others_is_estimated_from_their_files(families, tmp_path):
    small = read_index(families["regression"])
    assert not small.memory_known
    assert small.good_at == ""
    assert 0.2 * GIB < small.memory_bytes < 0.3 * GIB
    stubs.make_stub_diffusion(tmp_path, identities=("Ann",), skin_vertices=4000)
    network = tmp_path / "network.onnx"
    before = read_index(tmp_path).memory_bytes
    grown = GIB
    with network.open("r+b") as stream:
        stream.truncate(network.stat().st_size + grown)  # a hole: it takes no room on the disk
    assert read_index(tmp_path).memory_bytes - before == 2 * grown
    channels = 3 * 4012 + 19
    assert before > 4 * 60 * channels * 4  # the noise of three steps and the motion


def test_what_people_of_the_published_models_are_good_at():
    assert "Mandarin" in good_at("Claire")
    assert "articulation" in good_at("james")
    assert "xpressive" in good_at("MARK")
    assert good_at("Ann") == ""


def test_each_known_person_of_several_is_described(tmp_path):
    stubs.make_stub_diffusion(tmp_path / "two", identities=("Claire", "Ann"))
    assert read_index(tmp_path / "two").people_good_at == (("Claire", good_at("Claire")),)
    stubs.make_stub_diffusion(tmp_path / "one", identities=("Claire",))
    assert read_index(tmp_path / "one").people_good_at == ()


def test_a_look_refuses_what_loading_would(tmp_path):
    stubs.make_stub_diffusion(tmp_path)
    (tmp_path / "bs_skin_Mark.npz").unlink()
    with pytest.raises(UserError, match=r"bs_skin_Mark\.npz does not exist"):
        read_index(tmp_path)


def test_a_look_needs_nothing_but_numpy_and_the_library(families):
    """Blender's process looks: neither ONNX Runtime nor scipy may come with it."""
    program = (
        "import runpy, sys\n"
        f"runpy.run_path({str(ROOT / 'worker' / 'bootstrap.py')!r})['load_package']()\n"
        "from facewright.core.models.model import read_index\n"
        f"print(read_index({str(families['diffusion'])!r}).identities)\n"
        "assert not {'onnxruntime', 'scipy', 'soundfile'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "('Claire', 'James', 'Mark')", done.stderr
