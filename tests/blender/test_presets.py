# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: data only, whole files, the same pipeline again; damage gives one sentence."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bpy
import pytest
from layouts import Layout


@pytest.fixture
def folder(code, monkeypatch, tmp_path):
    """The user's presets, in a folder of the test's own."""
    own = tmp_path / "presets"
    own.mkdir()
    monkeypatch.setattr(code("operators.presets"), "user_folder", lambda _name="": own)
    return own


@pytest.fixture
def shipped(code):
    found = sorted(code("scene.places").PRESETS.glob("*.json"))
    assert len(found) >= 4
    return found


def test_every_shipped_preset_is_named_as_its_file_and_applies(code, wired, folder, shipped):
    read = code("core.presets").read_preset
    for path in shipped:
        preset = read(path)
        assert preset.name == path.stem.replace("_", " ").title()
        assert preset.about
        assert bpy.ops.facewright.preset_apply(name=preset.name) == {"FINISHED"}
        changed = wired.pipeline.changed_settings()
        assert changed == pytest.approx(
            {name: float(value) for name, value in preset.settings.items()}, abs=1e-6
        ), path.name


def test_a_saved_preset_gives_the_same_pipeline_again(wired, folder):
    one = wired.pipeline
    one.skin_strength, one.blink_seed, one.head_motion = 1.3, 7, True
    one.source_shot, one.detect_emotion = "joy", "FRAMES"
    one.emotion.joy, one.emotion.fear = 0.5, 0.25
    one.preferred[3], one.has_preferred = 0.75, True
    before = (one.changed_settings(), one.emotion.values(), tuple(one.preferred))
    assert bpy.ops.facewright.preset_add(name="Mine: 1/2") == {"FINISHED"}
    (path,) = folder.iterdir()
    assert path.name == "Mine_ 1_2.json"
    saved = json.loads(path.read_text("utf-8"))
    assert saved["settings"]["skin_strength"] == 1.3  # as a person would write it
    assert saved["emotion"] == {"fear": 0.25, "joy": 0.5}
    assert wired.player.id not in path.read_text("utf-8")
    assert bpy.ops.facewright.preset_apply(name="Default") == {"FINISHED"}
    assert one.changed_settings() == {}
    assert one.emotion.values() == (0.0,) * 10
    assert not one.has_preferred
    assert bpy.ops.facewright.preset_apply(name="Mine_ 1_2") == {"FINISHED"}
    assert before == (one.changed_settings(), one.emotion.values(), tuple(one.preferred))
    assert (one.detect_emotion, one.has_preferred) == ("FRAMES", True)
    assert bpy.ops.facewright.preset_remove(name="Mine_ 1_2") == {"FINISHED"}
    assert not list(folder.iterdir())


def test_a_preset_without_emotion_leaves_the_emotion(wired, folder):
    wired.pipeline.emotion.joy, wired.pipeline.detect_emotion = 0.5, "FRAMES"
    assert bpy.ops.facewright.preset_apply(name="Subtle") == {"FINISHED"}
    assert wired.pipeline.emotion.joy == 0.5
    assert wired.pipeline.detect_emotion == "FRAMES"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "has to hold a JSON object"),
        ("{}", "schema is not 1"),
        ('{"schema": 2}', "schema is not 1"),
        ('{"schema": true}', "schema is not 1"),
        ('{"schema": 1, "script": "import os"}', "'script'"),
        ('{"schema": 1, "settings": []}', "settings has to be"),
        ('{"schema": 1, "settings": {"nonsense": 1}}', "'nonsense'"),
        ('{"schema": 1, "settings": {"identity": "x"}}', "'identity'"),
        ('{"schema": 1, "settings": {"skin_strength": 99}}', "between 0 and 2"),
        ('{"schema": 1, "settings": {"skin_strength": "1"}}', "has to be a number"),
        ('{"schema": 1, "settings": {"skin_strength": NaN}}', "not valid JSON"),
        ('{"schema": 1, "settings": {"skin_strength": 1, "skin_strength": 2}}', "not valid JSON"),
        ('{"schema": 1, "emotion": {"envy": 1}}', "emotion has to be strengths"),
        ('{"schema": 1, "emotion": {"joy": 3}}', "between 0 and 1"),
        ('{"schema": 1, "detect_emotion": "MAYBE"}', "detect_emotion"),
        ('{"schema": 1, "name": 5}', "name has to be a text"),
        ("[" * 60_000, "not valid JSON"),
        (" " * 100_000 + "{}", "too large"),
    ],
)
def test_damage_gives_one_sentence_and_changes_nothing(wired, folder, text, words):
    (folder / "Bad.json").write_text(text, "utf-8")
    wired.pipeline.skin_strength = 0.5
    with pytest.raises(RuntimeError, match=r"Bad\.json") as caught:
        bpy.ops.facewright.preset_apply(name="Bad")
    said = str(caught.value).strip().removeprefix("Error: ")
    assert words in said
    assert "\n" not in said
    assert wired.pipeline.changed_settings() == {"skin_strength": 0.5}


@pytest.mark.parametrize("name", ["", "  ", "...", "../Default/..", "nothing here"])
def test_names_lead_nowhere_else(wired, folder, name):
    with pytest.raises(RuntimeError, match="preset"):
        bpy.ops.facewright.preset_apply(name=name)
    with pytest.raises(RuntimeError, match="preset"):
        bpy.ops.facewright.preset_remove(name=name)


def test_own_presets_go_before_shipped_ones_and_those_are_never_deleted(wired, folder, shipped):
    wired.pipeline.tongue_strength = 2.5
    assert bpy.ops.facewright.preset_add(name="Subtle") == {"FINISHED"}
    assert bpy.ops.facewright.preset_apply(name="Subtle") == {"FINISHED"}
    assert wired.pipeline.changed_settings() == {"tongue_strength": 2.5}
    assert bpy.ops.facewright.preset_remove(name="Subtle") == {"FINISHED"}
    with pytest.raises(RuntimeError, match="of your own"):
        bpy.ops.facewright.preset_remove(name="Subtle")
    assert all(path.is_file() for path in shipped)


def test_the_menu_lists_both(code, wired, folder, shipped):
    wired.pipeline.skin_strength = 1.25
    bpy.ops.facewright.preset_add(name="Ältere Dame")
    panel, texts = code("panels.presets"), []
    panel.FACEWRIGHT_MT_presets.draw(SimpleNamespace(layout=Layout(texts)), bpy.context)
    assert {path.stem.replace("_", " ").title() for path in shipped} <= set(texts)
    assert "Ältere Dame" in texts


def test_without_a_pipeline_the_buttons_say_why(code):
    operators = code("operators.presets")
    for name in ("FACEWRIGHT_OT_preset_apply", "FACEWRIGHT_OT_preset_add"):
        assert getattr(operators, name).disabled_reason(bpy.context) == "Add a pipeline first"
