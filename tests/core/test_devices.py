# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processor a network really runs on. Only the CPU is there on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.network import devices


@pytest.fixture(scope="module")
def network_file(stub):
    return stub.folder / "network.onnx"


@pytest.fixture
def unavailable():
    """A processor that this machine's ONNX Runtime was built without."""
    missing = [info for info in devices.list_devices() if not info.usable]
    assert missing, "every provider is usable here"
    return missing[0]


def test_every_processor_is_listed_with_its_state():
    listed = {info.name: info for info in devices.list_devices()}
    assert tuple(listed) == ("cpu", "cuda", "tensorrt", "coreml", "directml")
    assert listed["cpu"].usable and listed["cpu"].tested and not listed["cpu"].reason
    for info in listed.values():
        assert info.usable == (info.reason == "")
        assert info.provider.endswith("ExecutionProvider")


def test_a_processor_that_nobody_could_test_is_never_called_tested():
    untested = {info.name for info in devices.list_devices() if not info.tested}
    assert untested >= {"tensorrt", "coreml", "directml"}


def test_a_network_opens_on_the_cpu_and_says_so(network_file):
    opened = devices.open_network(network_file, "cpu", 1)
    assert opened.device == "cpu" and opened.memory == "cpu"
    assert opened.notices == ()
    assert opened.session.get_providers() == ["CPUExecutionProvider"]


def test_auto_takes_a_usable_processor_without_a_notice(network_file):
    opened = devices.open_network(network_file, "auto")
    usable = {info.name for info in devices.list_devices() if info.usable}
    assert opened.device == ("cuda" if "cuda" in usable else "cpu")
    assert opened.notices == ()


def test_asked_for_cuda_on_a_machine_without_it_runs_on_the_cpu_and_says_so(
    network_file, unavailable
):
    opened = devices.open_network(network_file, unavailable.name, 1)
    assert opened.device == "cpu"
    (notice,) = opened.notices
    assert unavailable.label in notice and "runs on CPU" in notice and unavailable.reason in notice
    assert "\n" not in notice


def test_a_provider_that_loads_nothing_is_seen_by_asking_the_session(network_file, monkeypatch):
    # The runtime takes this name, finds no library behind it and goes on with the CPU.
    kind = devices._Kind("Ghost", "GhostExecutionProvider")
    monkeypatch.setitem(devices._KINDS, "ghost", kind)
    opened = devices._opened(network_file, "ghost", 1, None)
    assert opened.device == "cpu"
    assert "Ghost is not used" in opened.notices[0]


def test_a_failure_in_a_run_is_never_answered_by_a_quiet_move_to_the_cpu(network_file):
    session = devices.open_network(network_file).session
    assert session._enable_fallback is False


def test_an_unknown_processor_is_one_sentence_naming_those_there_are(network_file):
    with pytest.raises(UserError, match="no processor called 'abacus'") as caught:
        devices.open_network(network_file, "abacus")
    assert "cuda" in caught.value.hint


def test_a_file_that_is_no_network_is_one_sentence(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be opened") as caught:
        devices.open_network(path, "auto")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("/src/b.cc:729 void ns::F(P&, const ns::O&) Please install.\nmore", "Please install"),
        ("[ONNXRuntimeError] : 7 : NO", "[ONNXRuntimeError] : 7 : NO"),
        ("", "unknown reason"),
    ],
)
def test_reasons_are_the_runtimes_words_without_its_source_code(said, reason):
    assert devices._said(RuntimeError(said)) == reason


def test_missing_libraries_of_a_cuda_build_are_named(monkeypatch):
    import onnxruntime

    def preload():
        print("Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file")
        print("Failed to load libcurand.so.10: no")
        print("Please follow the instructions.")

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload, raising=False)
    devices._missing_libraries.cache_clear()
    try:
        wanted = "libraries are missing (libcublas.so.13, libcurand.so.10)."
        assert devices._not_loaded("cuda") == wanted
        assert "no such processor" in devices._not_loaded("directml")
    finally:
        devices._missing_libraries.cache_clear()


def test_the_trial_network_is_valid():
    session = devices._session(devices._TRIAL, "cpu", 1, None)
    assert session.run(None, {"x": np.array([-1.0], np.float32)})[0] == [0.0]


def test_cuda_memory_grows_by_what_is_asked_for():
    chain = devices._providers("cuda", None)
    assert [item if isinstance(item, str) else item[0] for item in chain] == [
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert chain[0][1]["arena_extend_strategy"] == "kSameAsRequested"


def test_tensorrt_keeps_its_engines_and_falls_back_to_cuda_first(tmp_path):
    folder = tmp_path / "engines"
    chain = devices._providers("tensorrt", folder)
    assert [item if isinstance(item, str) else item[0] for item in chain] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert chain[0][1]["trt_engine_cache_path"] == str(folder)
    assert folder.is_dir()


def test_a_path_that_is_not_ascii_opens(tmp_path):
    made = stubs.make_stub_model(tmp_path / "Gesicht Größe 顔")
    assert devices.open_network(made.folder / "network.onnx").device == "cpu"


def test_the_engine_folder_is_the_users_own_cache():
    folder = devices.engine_folder()
    assert folder.is_absolute() and folder.name == "engines"
    assert Path.home() in folder.parents or "facewright" in folder.parts
