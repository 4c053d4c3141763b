# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sessions when something goes wrong: each ends cleanly, and the next one works."""

from __future__ import annotations

import os
import shutil
import signal
import time

import bpy
import numpy as np
import pytest
from makers import spoken
from stubs import make_stub_model

RATE = 16000
pytestmark = pytest.mark.usefixtures("stub_is_default")


def test_a_session_that_cannot_be_opened_says_why(api, code, tmp_path, stub):
    folder = tmp_path / "broken"
    shutil.copytree(stub.folder, folder)
    (folder / "network.onnx").write_bytes(b"broken")
    code("properties.library").preferences().model = str(folder)
    session = api.Session(RATE)
    assert session.send(spoken(0.5)) is False
    assert "network.onnx" in session.error
    assert session.send(spoken(0.5), end=True) is False
    assert not session.wait(60)
    assert not session.results[-1].ok


def test_low_delay_needs_a_model_with_a_network_for_it(api, code, burst, tmp_path):
    session = api.Session(RATE, low_delay=True, **burst)
    assert session.send(spoken(0.5)) is False
    assert "no network of low delay" in session.error
    session.end()
    folder = make_stub_model(tmp_path / "both", live_offset=6720).folder
    code("properties.library").preferences().model = str(folder)
    opened = {}
    for low_delay in (False, True):
        session = api.Session(RATE, low_delay=low_delay, fps=30, **burst)
        assert session.send(spoken(1.0)), session.error
        assert session.end() and session.wait(60), session.error
        tracks = [block.track for block in session.frames()]
        jaw = tracks[0].names.index("jawOpen")
        opened[low_delay] = np.concatenate([track.weights[:, jaw] for track in tracks])
        assert len(opened[low_delay]) == 30
    assert opened[True].mean() > 1.2 * opened[False].mean()  # that network is twice as loud


def test_a_worker_that_dies_ends_the_session_and_the_next_one_works(
    api, code, burst, own_face, scene_state
):
    before = scene_state()
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0))
    host = code("operators.worker_host").worker("auto")
    os.kill(host.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    session.send(spoken(1.0))
    session.end()
    assert not session.wait(60)
    result = session.results[-1]
    assert not result.ok and not result.cancelled
    assert "lost" in result.error or "no live session" in result.error
    assert scene_state() == before
    assert session.send(spoken(1.0), end=True) and session.wait(60), session.error
    assert session.results[-1].ok


@pytest.mark.parametrize("between", ["sessions", "sends"])
def test_a_worker_that_dies_between(api, code, burst, between):
    """Nothing of the next session is lost with it; an open one says what has happened."""
    session = api.Session(RATE, **burst)
    assert session.send(spoken(1.0), end=between == "sessions")
    host = code("operators.worker_host").worker("auto")
    end = time.monotonic() + 60
    while not session.frames() and time.monotonic() < end:
        api.pump()
    pid = host.pid
    os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    while host._process.exit_code() is None and time.monotonic() < end:  # nobody polls meanwhile
        time.sleep(0.005)
    session.send(spoken(1.0))
    session.end()
    good = session.wait(60)
    if between == "sessions":
        assert good, session.error
        assert host.pid != pid
    else:
        error = session.results[-1].error
        assert "live session was lost" in error and "worker ended" in error
        assert session.send(spoken(1.0), end=True) and session.wait(60), session.error


def test_a_send_that_meets_the_close_returns(api, code, burst, monkeypatch):
    """The extension may be disabled at any moment of another thread's send."""
    session = api.Session(RATE, **burst)
    begin = session._line.begin

    def late(run):
        session.close()
        begin(run)

    monkeypatch.setattr(session._line, "begin", late)
    assert session.send(spoken(1.0), end=True) is False
    assert session.wait(5) is False


def test_cancelling_when_the_worker_has_ended_starts_no_other(api, code, burst):
    session = api.Session(RATE, **burst)
    assert session.send(spoken(1.0))
    host = code("operators.worker_host")
    host.stop()
    session.cancel()
    assert host.worker("auto").pid is None
    assert session.send(spoken(1.0), end=True) is False
    assert not session.wait(60)
    assert session.results[-1].cancelled


def test_new_runtimes_wait_for_an_open_session(api, code, burst):
    """Between two pieces of sound the worker looks idle, but the session is still in it."""
    session = api.Session(RATE, **burst)
    assert session.send(spoken(1.0))
    end = time.monotonic() + 60
    while not session.frames() and time.monotonic() < end:
        api.pump()
    assert code("operators.processors")._renew_workers() is False
    assert session.send(spoken(0.5), end=True) and session.wait(60), session.error
    assert code("operators.processors")._renew_workers() is True


def test_a_forgotten_session_is_cancelled(api, code, burst, own_face, scene_state):
    """Nobody can end it any more: it must not keep the worker for ever."""
    before, pump = scene_state(), code("operators.pump")
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0))
    assert pump.session_open()
    del session
    end, host = time.monotonic() + 60, code("operators.worker_host")
    while (pump.session_open() or host.poll()) and time.monotonic() < end:
        api.pump()
    assert code("operators.processors")._renew_workers() is True
    assert scene_state() == before


def test_a_forgotten_session_that_was_ended_is_still_written(api, code, burst, own_face):
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0), end=True)
    del session
    end = time.monotonic() + 60
    while code("operators.pump").session_open() and time.monotonic() < end:
        api.pump()
    assert own_face.data.shape_keys.animation_data.action


def test_a_face_that_vanishes_ends_the_session_cleanly(api, burst, own_face):
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0))
    bpy.data.objects.remove(own_face)
    assert session.end()
    assert not session.wait(60)
    assert "'Face' no longer exists" in session.error
    assert not bpy.data.actions


def test_disabling_ends_sessions(api, code, burst):
    session = api.Session(RATE, **burst)
    assert session.send(spoken(1.0))
    pump = code("operators.pump")
    pump.unregister()
    assert session.send(spoken(1.0)) is False
    pump.register()
