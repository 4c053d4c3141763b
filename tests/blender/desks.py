# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk with a microphone that plays a file, for tests of the recorder and of live mode."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout

OPS = bpy.ops.facewright
RATE = 48_000
SPOKEN_S = 1.2


@pytest.fixture(scope="session")
def live_stub(tmp_path_factory):
    """A model with a network for live use, both known in closed form."""
    folder = tmp_path_factory.mktemp("model") / "live"
    return stubs.make_stub_model(folder, live_offset=6_720)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """What is spoken into the microphone; silence follows."""
    path = tmp_path_factory.mktemp("microphone") / "spöken.wav"
    return stubs.write_wav(path, stubs.speech_like(SPOKEN_S, RATE), RATE)


class Desk:
    """The microphone's user: lets time pass, and looks at what is shown."""

    plugged: tuple = ()

    def __init__(self, code, monkeypatch):
        self.recorder = code("operators.listening").RECORDER
        self.known = code("properties.microphones").MICROPHONES
        self._host, self._pump = code("operators.worker_host"), code("operators.pump")
        self._panel = code("panels.recorder").FACEWRIGHT_PT_recorder
        self._monkeypatch = monkeypatch

    def plug(self, path) -> None:
        """The only microphone speaks this file: workers have it from their beginning."""
        if Desk.plugged != (str(path), *self.workers()):
            self._host.stop()
        self._monkeypatch.setenv("FACEWRIGHT_MICROPHONE", str(path))
        self.path = str(path)
        self.known.forget()

    def leave(self) -> None:
        if self.recorder.running is not None:
            self.recorder.running.end(discard=True)
            self.over()
        self.recorder.clear()
        self.known.forget()
        Desk.plugged = (self.path, *self.workers())

    def workers(self) -> list[int]:
        return [each.pid for each in self._host.workers() if each.pid]

    def warm_up(self) -> None:
        """The first frames of a worker come late."""
        OPS.live()
        self.until(lambda: self.recorder.running.first.state.get("frames"), "a frame")
        OPS.recorder_discard()
        self.over()

    def until(self, done, what: str, limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < end, f"waited for {what}: {self.recorder.problem}"
            self._pump.pump()
            time.sleep(0.002)

    def heard_s(self) -> float:
        running = self.recorder.running
        return running.first.state.get("captured_s", 0.0) if running else 0.0

    def hear(self, seconds: float) -> None:
        self.until(lambda: self.heard_s() >= seconds, f"{seconds} s of sound")

    def over(self) -> None:
        self.until(lambda: self.recorder.running is None, "the end")

    def texts(self) -> str:
        """All that the panel shows now."""
        shown: list[str] = []
        context = SimpleNamespace(
            scene=bpy.context.scene, region=None, preferences=bpy.context.preferences
        )
        stand_in = SimpleNamespace(layout=Layout(shown))
        self._panel.draw_header(stand_in, context)
        self._panel.draw(stand_in, context)
        return " | ".join(shown)


@pytest.fixture
def desk(code, monkeypatch, spoken):
    found = Desk(code, monkeypatch)
    found.plug(spoken)
    yield found
    found.leave()
    code("properties.progress").STATE.clear()


@pytest.fixture
def live_player(wired, own_face, live_stub, tmp_path):
    """The player of a face that can be live; recordings go to a folder of the test's."""
    wired.character.skin = own_face
    wired.pipeline.model = str(live_stub.folder)
    wired.pipeline.blink_interval = 0.0
    wired.player.track_root = str(tmp_path)
    wired.player.recorder.take_name = "Take"
    return wired.player


def shown(face) -> np.ndarray:
    """Values of all keys but the basis."""
    return np.array([key.value for key in face.data.shape_keys.key_blocks[1:]])


def samples_of(path) -> tuple[np.ndarray, int]:
    """A wav of 32 bit floats as (n,) float32, and its rate."""
    data = path.read_bytes()
    at = data.index(b"data") + 8
    rate = int.from_bytes(data[24:28], "little")
    return np.frombuffer(data[at:], "<f4"), rate
