# SPDX-License-Identifier: GPL-3.0-or-later
"""The stub model, and slow and obvious reference implementations to compare the engine with."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent.parent
for _folder in (TESTS, TESTS / "core"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import stub_diffusion  # noqa: E402
import stubs  # noqa: E402


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> stubs.Stub:
    """A complete model folder. Nobody writes into it."""
    return stubs.make_stub_model(tmp_path_factory.mktemp("model") / "stub")


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A complete folder of each family of models. Nobody writes into them."""
    root = tmp_path_factory.mktemp("families")
    return {family: make(root / family).folder for family, make in stubs.FAMILIES.items()}


@pytest.fixture(scope="session")
def model(stub: stubs.Stub):
    from facewright.core.models.model import load_model

    return load_model(stub.folder)


@pytest.fixture(scope="session")
def voice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of something like speech, 44.1 kHz."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return stubs.write_wav(path, stubs.speech_like(2.0, 44100), 44100)


@pytest.fixture(scope="session")
def diffusion_stub(tmp_path_factory: pytest.TempPathFactory) -> stub_diffusion.StubDiffusion:
    """A complete folder of a diffusion model. Nobody writes into it."""
    return stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "stub")


@pytest.fixture(scope="session")
def james(diffusion_stub: stub_diffusion.StubDiffusion):
    """The second of its people."""
    from facewright.core.models.model import load_model

    return load_model(diffusion_stub.folder, "James")


@pytest.fixture(scope="module")
def james_network(james):
    from facewright.core.network.listening import open_session

    return open_session(james, threads=1)


@pytest.fixture(scope="session")
def clip():
    """2.3 s of something like speech, as networks are given it."""
    from facewright.core.voice.audio import Clip

    return Clip(stubs.speech_like(2.3).astype(np.float32), "voice", "")
