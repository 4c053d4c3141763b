# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Recorded prompts: what can be read of a transcript, what is refused, what is said of it."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from facewright.training import corpora
from facewright.training.closures import closure_offsets
from facewright.training.corpora import Package, phones_of, recordings
from facewright.training.paths import cache_folder, labelled_speech_folder

TRANSCRIPT = """﻿; Core sounds
; a remark: not a prompt

agent-pass: Prego digitare la password.
at-tone: Al segnale sar? esattamente
beep: [un suono]
conf-162: Prego premere 1 per attivare
question: Che cosa vuoi fare?
added: Aggiunto.
digits/1: uno e due
"""


def test_only_prompts_that_can_be_read_aloud_are_taken(tmp_path):
    (tmp_path / "core-sounds-it.txt.gz").write_bytes(gzip.compress(TRANSCRIPT.encode("utf-8")))
    told = corpora._transcript(tmp_path)
    assert told == {
        "agent-pass": "Prego digitare la password.",
        "question": "Che cosa vuoi fare?",
    }


def test_phones_of_a_pronunciation():
    assert phones_of("kantʃelˈlet:o , dʒˈa".replace(":", "ː")) == [
        *("k", "a", "n", "ʧ", "e", "l", "l", "e", "t", "o"),
        *("sil", "sil", "sil"),
        *("ʤ", "a"),
    ]
    assert phones_of("tsʲˈɵplə") == ["ʦ", "ɵ", "p", "l", "ə"]


def test_a_package_that_differs_from_the_pinned_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path))
    folder = cache_folder("downloads", "corpora")
    (folder / "some-sounds_1_all.deb").write_bytes(b"something else")
    with pytest.raises(RuntimeError, match=r"some-sounds_1_all\.deb differs from the pinned"):
        corpora._fetched(Package("some-sounds", "1", "0" * 64))


def test_a_language_without_recordings_is_named(tmp_path):
    with pytest.raises(RuntimeError, match="no labelled recordings of fi"):
        recordings(only=["fi"])
    with pytest.raises(RuntimeError, match="any language"):
        recordings(tmp_path)


def test_recordings_of_a_folder_are_taken_evenly(tmp_path):
    for language in ("xx", "yy"):
        (tmp_path / language).mkdir()
        told = {f"{number}.flac": [["a", 0.0, 0.1]] for number in range(9)}
        (tmp_path / language / "labels.json").write_text(json.dumps(told), encoding="utf-8")
    found = recordings(tmp_path, limit=3)
    assert {language: [r.name for r in each] for language, each in found.items()} == {
        "xx": ["0.flac", "4.flac", "8.flac"],
        "yy": ["0.flac", "4.flac", "8.flac"],
    }
    assert list(recordings(tmp_path, ["yy"])) == ["yy"]


def test_pictures_need_a_recording_that_is_there(tmp_path):
    from facewright.training.pictures import make_pictures

    with pytest.raises(RuntimeError, match="--sentences"):
        make_pictures({}, [], tmp_path)
    with pytest.raises(RuntimeError, match="no recording en/nobody"):
        make_pictures({"en": []}, ["en/nobody"], tmp_path)


@pytest.mark.parametrize("language", ["en", "de"])
def test_labels_of_stops_begin_where_the_sound_falls(language):
    if not (labelled_speech_folder() / language / "labels.json").exists():
        pytest.skip("the labelled recordings are no part of the project")
    late = [
        offset
        for recording in recordings(None, [language])[language]
        for offset in closure_offsets(
            recording.samples / abs(recording.samples).max(), corpora.RATE, recording.segments
        )
    ]
    assert len(late) > 50
    assert abs(np.median(late)) < 0.003
