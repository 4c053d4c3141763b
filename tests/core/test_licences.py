# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose terms a model folder comes under."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.models.licences import AUDIO2EMOTION, LICENCES, OPEN_MODEL, licence_of
from facewright.core.models.model import load_emotion_model, load_model, read_index

ROOT = Path(__file__).resolve().parents[2]


def set_actor(folder, actor, **params):
    path = folder / "network_info.json"
    values = json.loads(path.read_text())
    values["id"]["actor"] = actor
    values["params"].update(params)
    path.write_text(json.dumps(values))


def test_our_own_and_users_own_models_have_no_terms(stub):
    for name in ("facewright", "facewright-emotion"):
        assert licence_of(ROOT / "models" / name) is None
    assert licence_of(stub.folder) is None
    assert load_model(stub.folder).licence is None


@pytest.mark.parametrize(
    ("actor", "people", "page"),
    [
        ("mark", ["mark"], "Audio2Face-3D-v2.3-Mark"),
        ("Claire", ["claire"], "Audio2Face-3D-v2.3.1-Claire"),
        ("", ["James"], "Audio2Face-3D-v2.3.1-James"),
    ],
)
def test_published_regression_models_are_known_by_actor_or_identity(tmp_path, actor, people, page):
    stubs.make_stub_model(tmp_path)
    set_actor(tmp_path, actor, identities=people)
    licence = licence_of(tmp_path)
    assert licence == load_model(tmp_path).licence == read_index(tmp_path).licence
    assert licence.key == OPEN_MODEL.key
    assert licence.url == f"https://huggingface.co/nvidia/{page}"


def test_the_diffusion_model_is_known_by_its_actor_or_its_people(tmp_path):
    stubs.make_stub_diffusion(tmp_path / "a")
    assert licence_of(tmp_path / "a").url.endswith("/Audio2Face-3D-v3.0")
    stubs.make_stub_diffusion(tmp_path / "b", identities=("Ann", "Ben"))
    assert licence_of(tmp_path / "b") is None
    set_actor(tmp_path / "b", "multi")
    assert licence_of(tmp_path / "b").key == OPEN_MODEL.key


def test_every_other_emotion_model_is_under_the_narrow_agreement(tmp_path):
    stubs.make_stub_emotion(tmp_path)
    licence = licence_of(tmp_path)
    assert licence == AUDIO2EMOTION == load_emotion_model(tmp_path).licence
    assert licence.restricted
    assert "Audio2Face" in licence.notice
    assert "not for emotion recognition" in licence.notice
    assert "download it there yourself" in licence.notice


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LICENSE", "NVIDIA  Open\nModel License Agreement"),
        ("license.txt", "nvidia open model license"),
        ("NOTICE", "Licensed by NVIDIA Corporation under the NVIDIA Open Model License"),
        ("README.md", "---\nlicense_name: nvidia-open-model-license\n---\n# A model"),
    ],
)
def test_a_file_of_terms_beside_the_model_counts(stub, tmp_path, name, text):
    stubs.make_stub_model(tmp_path)
    (tmp_path / name).write_text(text)
    assert licence_of(tmp_path) == OPEN_MODEL


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LICENSE", "GNU General Public License"),
        ("README.md", "# Mine\nUnlike models under the NVIDIA Open Model License, this is free."),
        ("notes.txt", "NVIDIA Open Model License"),
    ],
)
def test_other_texts_do_not_count(tmp_path, name, text):
    stubs.make_stub_model(tmp_path)
    (tmp_path / name).write_text(text)
    assert licence_of(tmp_path) is None


def test_the_terms_say_what_a_notice_has_to(stub):
    assert OPEN_MODEL.notice == (
        "Licensed by NVIDIA Corporation under the NVIDIA Open Model License"
    )
    assert not OPEN_MODEL.restricted
    assert len({licence.key for licence in LICENCES}) == len(LICENCES)
    assert all(licence.url.startswith("https://huggingface.co/nvidia/") for licence in LICENCES)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no model\.json"):
        licence_of(tmp_path)
