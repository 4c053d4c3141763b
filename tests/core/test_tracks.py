# SPDX-License-Identifier: GPL-3.0-or-later
"""The voices of a folder."""

from __future__ import annotations

import os

from facewright.core.voice.tracks import MOST, tracks


def test_voices_are_listed_as_people_sort_them(tmp_path):
    for name in ("Line 10.wav", "line 2.FLAC", "Übung.mp3", "a.opus", "notes.txt", ".hidden.wav"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    assert tracks(str(tmp_path)) == ("a.opus", "line 2.FLAC", "Line 10.wav", "Übung.mp3")


def test_names_of_letters_and_digits_in_any_order_can_be_sorted(tmp_path):
    names = ["1.wav", "a1b2.wav", "a1.wav", "01.wav", "a.wav", "²3.wav", "٣.wav"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert set(tracks(str(tmp_path))) == set(names)


def test_a_folder_that_has_changed_is_listed_again(tmp_path):
    assert tracks(str(tmp_path)) == ()
    (tmp_path / "new.ogg").write_bytes(b"")
    os.utime(tmp_path, ns=(1, 1))
    assert tracks(str(tmp_path)) == ("new.ogg",)


def test_what_is_no_folder_has_no_voices(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    assert tracks(str(tmp_path / "a.wav")) == ()
    assert tracks(str(tmp_path / "gone")) == ()
    assert tracks("") == ()


def test_a_huge_folder_is_cut(tmp_path):
    for at in range(MOST + 5):
        (tmp_path / f"{at}.wav").write_bytes(b"")
    found = tracks(str(tmp_path))
    assert len(found) == MOST
    assert found[:2] == ("0.wav", "1.wav")


def test_names_that_are_no_text_are_left_out(tmp_path):
    if os.name == "nt":
        return
    with open(os.fsencode(tmp_path) + b"/bad\xff.wav", "wb"):
        pass
    assert tracks(str(tmp_path)) == ()
