# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar shows. The layout is a stand-in that knows this Blender's own functions."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from layouts import Layout
from makers import shaped_mesh
from stub_diffusion import make_stub_diffusion
from stub_emotion import make_stub_emotion


@pytest.fixture
def drawn(code):
    """All texts that the panels show now."""
    panels, network = code("panels.face"), code("panels.network")

    def draw(scene: Any = None) -> list[str]:
        shown: list[str] = []
        context = SimpleNamespace(scene=scene or bpy.context.scene)
        for panel in (panels.FACEWRIGHT_PT_face, network.FACEWRIGHT_PT_network):
            if getattr(panel, "poll", lambda _context: True)(context):
                panel.draw(SimpleNamespace(layout=Layout(shown)), context)
        return shown

    return draw


def test_an_empty_scene_offers_the_two_ways_to_begin(drawn):
    shown = drawn()
    assert "New with Template Head" in shown
    assert "New with Active Mesh" in shown
    assert "Animate" not in shown


def test_a_new_pipeline_says_what_is_missing(drawn, wired):
    assert "Choose a voice first" in drawn()
    wired.player.voice_source = "SAMPLE"
    assert any("No face is chosen" in text for text in drawn())
    wired.scene.facewright.characters.clear()
    assert "Add a character first" in drawn()
    wired.pipeline.player_id = ""
    assert "New Player" in drawn()


@pytest.mark.parametrize("source", ["FILE", "SOUND", "STRIP", "SAMPLE"])
@pytest.mark.parametrize("sequencer", [False, True])
def test_every_source_has_its_field(drawn, source, sequencer):
    scene = bpy.data.scenes.new("Without strips")
    if sequencer:
        scene.sequence_editor_create()
    chosen = scene.facewright
    chosen.add_pipeline("Core", chosen.add_player())
    chosen.players[0].voice_source = source
    field = {"FILE": "voice_path", "SOUND": "sound", "STRIP": "strip", "SAMPLE": "voice_source"}
    if source == "STRIP" and not sequencer:
        assert "The sequencer is empty" in drawn(scene)
    else:
        assert field[source] in drawn(scene)


def test_the_face_is_told_with_what_it_lacks(wired, drawn):
    wired.character.skin = shaped_mesh("Own", ["JawOpen", "scar"])
    shown = drawn()
    assert "1 of 52 shapes found" in shown
    assert "Missing: 51" in shown
    assert "mouthPucker" in shown
    assert "Not driven: 1" in shown
    assert "scar" in shown


def test_a_useless_face_is_told_once(wired, drawn):
    wired.player.voice_source = "SAMPLE"
    wired.character.skin = shaped_mesh("Bare", [])
    assert sum("'Bare' has no shape keys" in text for text in drawn()) == 1


def test_a_running_job_shows_its_progress_and_can_be_cancelled(code, drawn, wired):
    state = code("properties.progress").STATE
    state.begin()
    try:
        state.fraction, state.text = 0.5, "Network"
        shown = drawn()
        assert "Network" in shown
        assert "Animate" not in shown
        assert bpy.ops.facewright.cancel() == {"FINISHED"}
        assert state.cancel
    finally:
        state.clear()


def test_the_outcome_is_shown(wired, code, drawn, own_face):
    state = code("properties.progress").STATE
    wired.player.voice_source, wired.character.skin = "SAMPLE", own_face
    state.end("45 frames in 0.1 s", "done", ("The scene's range is now 1 to 45.",))
    try:
        shown = drawn()
        assert "45 frames in 0.1 s" in shown
        assert "The scene's range is now 1 to 45." in shown
    finally:
        state.clear()


def test_sentences_are_broken_to_the_width_of_the_panel(code):
    texts = code("panels.texts")
    text = "The report is /home/ann/.config/blender/extensions/.user/reports/report-1.txt now"
    for room_px in (100.0, 180.0, 2000.0):
        lines = list(texts.wrapped(text, room_px))
        assert max(map(texts.width_px, lines)) <= room_px
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert lines == [text]
    assert list(texts.wrapped("", 100.0)) == []


def test_a_report_is_named_by_its_short_name_with_a_way_to_it(wired, code, drawn, own_face):
    state, places = code("properties.progress").STATE, code("scene.places")
    wired.player.voice_source, wired.character.skin = "SAMPLE", own_face
    report = Path("reports") / "report-1.txt"
    state.end(f"It broke. The report is {places.user_folder() / report}", "failed")
    try:
        shown = drawn()
        assert f"It broke. The report is {report}" in shown
        assert "Open the Folder" in shown
    finally:
        state.clear()


def test_a_person_is_chosen_where_the_model_has_several(wired, drawn, code, tmp_path, stub):
    chosen = wired.pipeline
    assert "person" not in drawn()
    chosen.model = str(stub.folder)
    assert "person" not in drawn()
    three = make_stub_diffusion(tmp_path / "three")
    chosen.model = str(three.folder)
    assert "person" in drawn()
    assert [item[0] for item in code("properties.pipeline").people_items(chosen)] == list(
        three.identities
    )
    assert (chosen.identity, chosen.person) == ("", three.identities[0])
    chosen.person = three.identities[2]
    assert chosen.identity == three.identities[2]
    options = code("operators.chosen").options_of
    assert options(chosen, wired.player)["identity"] == three.identities[2]
    chosen.model = str(stub.folder)  # a model without that person
    assert options(chosen, wired.player)["identity"] == ""


def test_emotion_is_detected_by_the_built_in_model_unless_another_is_chosen(
    wired, drawn, code, own_face, tmp_path
):
    chosen = wired.pipeline
    library = code("properties.library")
    wired.player.voice_source, wired.character.skin = "SAMPLE", own_face
    emotion_of = code("operators.chosen").emotion_of
    assert emotion_of(chosen) is None
    chosen.detect_emotion = "FRAMES"
    source = emotion_of(chosen)
    assert (source.mode, source.model) == ("frames", str(library.BUILT_IN_EMOTION))
    assert code("properties.pipeline").models_problem(chosen) == ""
    assert bpy.ops.facewright.animate.poll()
    other, own = (str(make_stub_emotion(tmp_path / name).folder) for name in ("other", "own"))
    prefs = library.preferences()
    try:
        prefs.emotion_model = other
        assert emotion_of(chosen).model == other
        chosen.emotion_model = own
        assert emotion_of(chosen).model == own
        assert "The terms of own are not accepted yet" in drawn()
    finally:
        prefs.property_unset("emotion_model")


def test_terms_can_be_accepted_where_they_are_missed(wired, drawn, code, own_face, tmp_path):
    library = code("properties.library")
    chosen, prefs = wired.pipeline, library.preferences()
    wired.player.voice_source, wired.character.skin = "SAMPLE", own_face
    chosen.model = str(make_stub_diffusion(tmp_path / "Three People").folder)
    assert "The terms of Three People are not accepted yet" in drawn()
    assert "Read and Accept Terms" in drawn()
    assert not bpy.ops.facewright.animate.poll()
    assert bpy.ops.facewright.model_terms(folder=chosen.model) == {"CANCELLED"}
    try:
        assert bpy.ops.facewright.model_terms(folder=chosen.model, accept=True) == {"FINISHED"}
        assert "Read and Accept Terms" not in drawn()
        assert bpy.ops.facewright.animate.poll()
    finally:
        prefs.models.clear()


def test_models_are_chosen_from_the_library(wired, code, tmp_path, stub):
    library, choice = code("properties.library"), code("properties.model_choice")
    chosen, prefs = wired.pipeline, library.preferences()
    emotion = make_stub_emotion(tmp_path / "hearing").folder
    try:
        for folder in (stub.folder, emotion):
            library.add_model(prefs, folder)
        names = [name for _folder, name in choice.choices(chosen, emotion=False)]
        assert names == ["Facewright", stub.folder.name]
        assert [name for _folder, name in choice.choices(chosen, emotion=True)] == [
            "Facewright Emotion",
            "hearing",
        ]
        assert chosen.model_choice == choice.PREFERRED
        chosen.model_choice = choice.OTHERS + "1"
        assert chosen.model == str(stub.folder)
        chosen.model = str(tmp_path / "elsewhere")  # a folder that the library does not have
        assert chosen.model_choice == choice.OTHERS + "2"
        chosen.model_choice = choice.PREFERRED
        assert chosen.model == ""
        chosen.emotion_choice = choice.OTHERS + "1"
        assert chosen.emotion_model == str(emotion)
        prefs.model, prefs.emotion_model = str(stub.folder), str(emotion)
        assert choice.choices(chosen, emotion=False)[0] == ("", f"{stub.folder.name} (default)")
    finally:
        prefs.models.clear()
        prefs.property_unset("model")
        prefs.property_unset("emotion_model")


def test_a_model_added_from_the_sidebar_is_used_by_the_pipeline(wired, code, tmp_path):
    prefs = code("properties.library").preferences()
    face = make_stub_diffusion(tmp_path / "all" / "face").folder
    emotion = make_stub_emotion(tmp_path / "all" / "hearing").folder
    try:
        directory = str(tmp_path / "all")
        assert bpy.ops.facewright.model_add(directory=directory, choose=True) == {"FINISHED"}
        assert Path(wired.pipeline.model) == face
        assert Path(wired.pipeline.emotion_model) == emotion
    finally:
        prefs.models.clear()


def test_models_that_are_no_use_grey_the_button(wired, drawn, code, own_face, tmp_path, stub):
    chosen = wired.pipeline
    wired.player.voice_source, wired.character.skin = "SAMPLE", own_face
    emotion = make_stub_emotion(tmp_path / "hearing").folder
    problem = code("properties.pipeline").models_problem
    chosen.model = str(tmp_path)
    assert problem(chosen).startswith("There is no model in the folder")
    chosen.model = str(emotion)
    assert problem(chosen) == "hearing only finds emotion. Choose a model of a face."
    chosen.model, chosen.detect_emotion = str(stub.folder), "FRAMES"
    chosen.emotion_model = str(stub.folder)
    assert "Choose an Audio2Emotion model for emotion." in problem(chosen)
    assert not bpy.ops.facewright.animate.poll()


def test_the_networks_speed_and_place_are_shown(wired, drawn, code, own_face, voice, stub):
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    not_yet = code("panels.network").NOT_YET
    assert not_yet in drawn()
    assert bpy.ops.facewright.animate() == {"FINISHED"}

    def line() -> str:
        (found,) = [text for text in drawn() if text.startswith("Network ")]
        return found

    first = line()
    assert re.fullmatch(
        r"Network [0-9.]+ ms per frame, [0-9.]+ x real time, on the processor \(CPU\)", first
    )
    # Another job, and a take that asks the network nothing anew, leave what is known
    code("properties.progress").STATE.begin()
    code("properties.progress").STATE.clear()
    wired.pipeline.skin_strength = 1.5
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    assert line()
    wired.pipeline.model = ""  # another model: it has not run
    assert not_yet in drawn()
    wired.pipeline.model = str(stub.folder)
    wired.scene.facewright.add_pipeline("Other")
    wired.scene.facewright.active_pipeline = 1
    wired.scene.facewright.pipeline.model = str(stub.folder)
    assert not_yet in drawn()


def test_the_network_panel_describes_the_model(wired, drawn, code, tmp_path, stub, monkeypatch):
    chosen = wired.pipeline
    chosen.model = str(stub.folder)
    shown = drawn()
    identity = code("properties.library").look(chosen.model_folder).index.identities
    assert f"Identity: {identity[0]}" in shown
    assert {"Every language", "Any frame rate", "device"} <= set(shown)
    assert any(re.fullmatch(r"About [0-9.]+ GiB of memory, estimated", text) for text in shown)
    assert "Noise Seed" not in shown
    monkeypatch.setattr(code("operators.processors").SEEN, "free", 1000)
    assert any("This model takes about" in text for text in drawn())
    chosen.model = str(make_stub_diffusion(tmp_path / "three").folder)
    chosen.person = "Claire"
    assert "best for Mandarin" in " ".join(drawn())
    chosen.person = "James"
    assert "best for Mandarin" not in " ".join(drawn())
    assert {"60 frames per second", "Noise Seed", "Fresh Noise"} <= set(drawn())


def test_expressions_are_grey_for_models_without_them_and_the_panel_says_so(wired, code, tmp_path):
    draw = code("panels.network").FACEWRIGHT_PT_default_expression.draw
    reason = "This model has no database of expressions"

    def shown() -> list[str]:
        texts: list[str] = []
        draw(SimpleNamespace(layout=Layout(texts)), SimpleNamespace(scene=bpy.context.scene))
        return texts

    pipeline = wired.pipeline  # our own model has shots for neutral and each emotion
    names = {name.casefold() for name, _frames in pipeline.shots}
    for emotion in ("neutral", *code("core.parameters").EMOTION_NAMES):
        assert any(emotion in name for name in names), (emotion, names)
    assert reason not in shown()
    assert {"shot", "Source Frame"} <= set(shown())
    pipeline.shot, pipeline.source_frame = "SHOT_1", 3
    assert pipeline.changed_settings() == {"source_shot": pipeline.shots[1][0], "source_frame": 3}
    assert bpy.ops.facewright.reset(names="source_frame") == {"FINISHED"}
    assert list(pipeline.changed_settings()) == ["source_shot"]
    assert bpy.ops.facewright.reset(names="source_shot") == {"FINISHED"}
    assert pipeline.changed_settings() == {} and pipeline.shot == "MODEL"
    pipeline.model = str(make_stub_diffusion(tmp_path / "people").folder)
    assert reason in shown()
