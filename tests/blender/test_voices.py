# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices of players: tracks of a folder, and what is known of a voice before it is animated."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout


@pytest.fixture
def drawn(code):
    """All texts of the panel."""
    panel = code("panels.player").FACEWRIGHT_PT_player

    def draw() -> list[str]:
        shown: list[str] = []
        panel.draw(SimpleNamespace(layout=Layout(shown)), SimpleNamespace(scene=bpy.context.scene))
        return shown

    return draw


def test_a_track_is_chosen_from_the_folder(code, wired, tmp_path):
    for name in ("b 10.wav", "b 2.wav"):
        stubs.write_wav(tmp_path / name, stubs.speech_like(0.5))
    player = wired.player
    items = code("properties.player").track_items
    player.track_root = str(tmp_path)
    assert [row[0] for row in items(player)] == ["NONE", "b 2.wav", "b 10.wav"]
    assert player.track == "NONE"
    player.voice_source = "SAMPLE"
    told: list[str] = []
    changes = code("properties.changes")
    listener = lambda _item, name: told.append(name)  # noqa: E731
    changes.LISTENERS.append(listener)
    try:
        player.track = "b 10.wav"
    finally:
        changes.LISTENERS.remove(listener)
    assert told == ["voice_source", "voice_path"]
    assert player.voice_source == "FILE"
    assert os.path.samefile(player.voice_path, tmp_path / "b 10.wav")
    assert player.track == "b 10.wav"
    player.voice_source = "SAMPLE"
    assert player.track == "NONE"


def test_a_track_of_a_folder_beside_the_blend_is_kept_relative(wired, wav, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    player = bpy.context.scene.facewright.players[0]
    player.track_root = "//"
    player.track = "vier.wav"
    assert player.voice_path == "//vier.wav"
    assert player.track == "vier.wav"
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    shutil.copy(wav, elsewhere / "vier.wav")
    player.voice_path = str(elsewhere / "vier.wav")  # a file of that name in another folder
    assert player.track == "NONE"


def test_a_track_changes_the_voice_of_all_pipelines_of_its_player(code, wired, wav, tmp_path):
    chosen = wired.scene.facewright
    player_id = chosen.players[0].id
    chosen.add_pipeline("Second", chosen.players[0])
    chosen.players[0].track_root = str(tmp_path)
    chosen.players[0].track = "vier.wav"
    source_of = code("operators.chosen").source_of
    assert [each.player_id for each in chosen.pipelines] == [player_id] * 2
    names = {source_of(chosen.player_of(each)).name for each in chosen.pipelines}
    assert [Path(name) for name in names] == [Path(wav)]


def test_a_folder_without_voices_is_said(drawn, wired, tmp_path):
    assert not any("holds no voices" in text for text in drawn())
    wired.player.track_root = str(tmp_path)
    assert any("holds no voices" in text for text in drawn())
    wired.player.track_root = str(tmp_path / "gone")
    assert any("holds no voices" in text for text in drawn())


def test_the_worker_tells_length_channels_and_waveform(known, player, tmp_path):
    left, right = stubs.speech_like(1.0), np.zeros(16_000, np.float32)
    stereo = tmp_path / "stereo.wav"
    stubs.write_wav(stereo, np.stack([left, right], axis=1))
    facts = known(player).facts
    assert (facts.duration_s, facts.channels) == (4.0, 1)
    player.voice_path = str(stereo)
    both = known(player).facts
    assert (both.duration_s, both.channels, both.rate) == (1.0, 2, 16_000)
    player.channel = 1
    assert known(player).facts.envelope.max() == pytest.approx(left.max(), abs=1e-3)
    player.channel = 2
    assert known(player).facts.envelope.max() == 0.0
    player.channel = 3
    assert "channel" in known(player).problem


def test_a_voice_that_has_changed_is_read_again(code, known, player, wav):
    assert known(player).facts.duration_s == 4.0
    stubs.write_wav(Path(wav), stubs.speech_like(2.0))
    code("operators.voices")._looks.clear()  # as after a second
    assert known(player).facts.duration_s == 2.0


def test_a_packed_sound_and_a_bad_file_are_known_for_what_they_are(
    code, known, drawn, player, tmp_path, wav
):
    sound = bpy.data.sounds.load(wav)
    sound.pack()
    os.remove(wav)
    assert "does not exist" in known(player).problem
    player.sound, player.voice_source = sound, "SOUND"
    assert known(player).facts.duration_s == 4.0
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all" * 99)
    player.voice_source, player.voice_path = "FILE", str(bad)
    problem = known(player).problem
    assert "bad.wav cannot be read as sound" in problem
    assert problem in " ".join(drawn())
    assert code("operators.voices").known(player.id_data, player).problem == problem


def test_a_voice_is_read_once_however_often_it_is_asked_for(code, known, player, scene):
    pump, voices = code("operators.pump"), code("operators.voices")
    before = len(pump._pump.tasks)
    for _ in range(5):
        assert voices.known(scene, player) == voices.known(scene, player)
    assert len(pump._pump.tasks) == before + 1
    assert known(player).facts
    assert len(pump._pump.tasks) == before


def test_the_panel_shows_the_length(known, drawn, player):
    assert any("Reading the voice" in text for text in drawn())
    known(player)
    assert "0:04.00, 16 kHz, mono" in drawn()
    assert "Channel (all)" in drawn()
    player.channel = 1
    assert "Channel" in drawn()
