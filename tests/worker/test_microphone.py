# SPDX-License-Identifier: GPL-3.0-or-later
"""Which microphones there are, and what is said where there are none."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from facewright.core.errors import UserError
from facewright.providers.process import ENTRY
from facewright.worker.file_microphone import VARIABLE, FileMicrophone, microphones_here
from facewright.worker.microphone import SystemMicrophones, find

from .microphones import Desk, Made


def nothing(*_: Any) -> None:
    pass


class PortAudio(ModuleType):
    """As much of sounddevice as is used, over a made-up computer."""

    class PortAudioError(Exception):
        pass

    def __init__(self, systems: list[Any], devices: list[Any], refuses: Any = lambda _: "") -> None:
        super().__init__("sounddevice")
        self.systems, self.devices, self.refuses = systems, devices, refuses
        self.looked = 0
        self.opened: list[dict[str, Any]] = []
        self.InputStream = self._open

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        self.looked += 1

    def query_hostapis(self) -> Any:
        return tuple(self.systems)

    def query_devices(self, place: int) -> Any:
        return self.devices[place]

    def _open(self, **options: Any) -> Any:
        if reason := self.refuses(options):
            raise self.PortAudioError(f"Error opening InputStream: {reason}", -9997)
        self.opened.append(options)
        return object()


def device(name: str, inputs: int = 1, rate: float = 44_100.0) -> dict[str, Any]:
    return {"name": name, "max_input_channels": inputs, "default_samplerate": rate}


def system(name: str, devices: list[int], default: int) -> dict[str, Any]:
    return {"name": name, "devices": devices, "default_input_device": default}


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*args: Any) -> PortAudio:
        library = PortAudio(*args)
        monkeypatch.setitem(sys.modules, "sounddevice", library)
        return library

    return make


def test_microphones_are_listed_without_loudspeakers_and_doubles(computer: Any) -> None:
    library = computer(
        [system("MME", [0], 0), system("Windows WASAPI", [1, 2, 3], 3)],
        [device("Webcam of a lo"), device("Speakers", 0), device("Webcam"), device("Webcam", 2)],
    )
    found = SystemMicrophones().all()
    assert [(m.name, m.channels, m.default) for m in found] == [
        ("Webcam", 1, False),
        ("Webcam (2)", 2, True),
    ]
    assert library.looked == 1
    assert find(SystemMicrophones(), "", again=False).name == "Webcam (2)"
    assert find(SystemMicrophones(), "Webcam", again=False).place == 2
    assert library.looked == 1
    with pytest.raises(
        UserError, match=r"no microphone called 'Phone'\. Choose one of Webcam, Web"
    ):
        find(SystemMicrophones(), "Phone", again=True)


def test_the_first_is_taken_where_the_system_chooses_none(computer: Any) -> None:
    computer([system("ALSA", [0, 1], -1)], [device("Front"), device("Rear")])
    assert find(SystemMicrophones(), "", again=True).name == "Front"


def test_a_device_is_opened_as_it_can_be(computer: Any) -> None:
    def refuses(options: dict[str, Any]) -> str:
        if options["samplerate"] != 44_100:
            return "Invalid sample rate"
        return "" if options["channels"] == 2 else "Invalid number of channels"

    library = computer([system("ALSA", [0], 0)], [device("Desk", 2)], refuses)
    (desk,) = SystemMicrophones().all()
    opened = SystemMicrophones().open(desk, 48_000, nothing)
    assert (opened.rate, opened.channels) == (44_100, 2)
    assert library.opened[0]["blocksize"] == 441
    computer([system("ALSA", [0], 0)], [device("Desk")])
    opened = SystemMicrophones().open(desk, 48_000, nothing)
    assert (opened.rate, opened.channels) == (48_000, 1)


def test_a_device_that_cannot_be_opened_is_said(computer: Any) -> None:
    computer([system("ALSA", [0], 0)], [device("Desk")], lambda _: "Device unavailable")
    (desk,) = SystemMicrophones().all()
    with pytest.raises(UserError, match=r"microphone Desk cannot be opened: .*Device unavailable"):
        SystemMicrophones().open(desk, 48_000, nothing)


@pytest.mark.parametrize(
    ("systems", "devices"),
    [([], []), ([system("ALSA", [], -1)], []), ([system("ALSA", [0], -1)], [device("Out", 0)])],
)
def test_no_microphone_is_said(computer: Any, systems: Any, devices: Any) -> None:
    computer(systems, devices)
    with pytest.raises(UserError, match=r"No microphone was found. Connect one"):
        SystemMicrophones().all()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("raise OSError('PortAudio library not found')", "libportaudio2"),
        ("raise ModuleNotFoundError('no', name='sounddevice')", "sounddevice is missing"),
        ("raise ImportError('DLL load failed while importing x')", "Visual C++"),
        ("raise RuntimeError('no sound system')", "No microphone was found. no sound system"),
    ],
)
def test_a_missing_library_is_one_sentence_and_harms_nothing_else(
    make: Any, tmp_path: Path, line: str, text: str
) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "sounddevice.py").write_text(line + "\n", encoding="utf-8")
    worker = make.ready(ENTRY, wheels_folder=str(folder))
    assert "sounddevice" not in worker.hello["problems"]
    ticket = worker.submit("microphones", {})
    make.finish(worker, ticket)
    assert (ticket.state, ticket.result["microphones"]) == ("done", [])
    reason = ticket.result["reason"]
    assert text in reason
    assert "\n" not in reason
    refused = worker.submit("live_open", {"session": "one"})
    make.finish(worker, refused)
    assert (refused.kind, refused.error) == ("user", reason)


# ---- a file as microphone -----------------------------------------------------------------------


@pytest.fixture
def voice(tmp_path: Path) -> str:
    path = tmp_path / "a voice.wav"
    values = np.random.default_rng(4).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    soundfile.write(path, values, 16_000, subtype="FLOAT")
    return str(path)


def test_a_file_is_the_microphone_of_a_real_worker(
    make: Any, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real time, through the worker's own threads: every sample once and in order."""
    monkeypatch.setenv(VARIABLE, voice)
    worker = make.ready(ENTRY)

    def ask(job: str, **args: Any) -> Any:
        ticket = worker.submit(job, args)
        make.finish(worker, ticket)
        assert ticket.state == "done", ticket.error
        return ticket.result

    (only,) = ask("microphones")["microphones"]
    assert only == {"name": "File: a voice.wav", "channels": 1, "rate": 16_000, "default": True}
    opened = ask("live_open", session="one", microphone=only["name"], record=True)
    assert (opened["microphone"], opened["rate"]) == (only["name"], 16_000)
    states = [opened]
    while states[-1]["captured_s"] < 1.1:
        states.append(ask("live_read", session="one"))
    assert ask("free", model=None)["open"] == 1
    done = ask("live_close", session="one")
    heard, _ = soundfile.read(done["recording"], dtype="float32")
    spoken, _ = soundfile.read(voice, dtype="float32")
    np.testing.assert_array_equal(heard[:16_000], spoken)
    assert not heard[16_000:].any()
    folder = str(Path(voice).parent)
    saved = ask("live_save", recording=done["recording"], folder=folder, name="a voice")
    assert saved["name"] == "a voice 2"


def test_a_file_that_is_no_sound_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert isinstance(microphones_here(), SystemMicrophones)
    for path in (tmp_path / "none.wav", tmp_path):
        monkeypatch.setenv(VARIABLE, str(path))
        with pytest.raises(UserError, match=r"FACEWRIGHT_MICROPHONE names .* cannot be read"):
            microphones_here().all()


def test_a_file_speaks_by_itself_and_stops_when_it_is_closed(voice: str) -> None:
    enough, blocks = threading.Event(), []

    def take(block: Any, count: int, *_: Any) -> None:
        blocks.append(block.copy())
        if len(blocks) == 5:
            enough.set()

    microphone = FileMicrophone(voice)
    opened = microphone.open(microphone.all()[0], 48_000, take)
    opened.stream.start()
    assert enough.wait(20)
    opened.stream.close()
    count = len(blocks)
    spoken, _ = soundfile.read(voice, dtype="float32")
    np.testing.assert_array_equal(np.concatenate(blocks)[:, 0], spoken[: 160 * count])
    assert not opened.stream.active


def test_a_device_that_does_not_start_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(Made(lambda n: n * 0.0, 16_000), scratch=tmp_path)

    def broken(_self: Any) -> None:
        raise RuntimeError("Error starting stream: Unanticipated host error")

    monkeypatch.setattr("facewright.worker.file_microphone.PacedStream.start", broken)
    with pytest.raises(UserError, match=r"Desk cannot be started: .* host error\. Close other"):
        desk.do("open", record=True)
    assert len(desk.lives) == 0
