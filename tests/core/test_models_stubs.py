# SPDX-License-Identifier: GPL-3.0-or-later
"""The stub folders of the tests themselves: their graphs do what their closed forms say."""

from __future__ import annotations

import numpy as np
import pytest
import stubs


def run(path, outputs, **feeds):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(
        outputs, {name: np.asarray(values, np.float32) for name, values in feeds.items()}
    )


@pytest.mark.parametrize(("left", "right", "center"), [(15, 15, 30), (7, 8, 15)])
def test_the_diffusion_stub_is_its_closed_form(tmp_path, left, right, center):
    stub = stubs.make_stub_diffusion(tmp_path, left=left, right=right, center=center)
    rng = np.random.default_rng(1)
    latents = rng.uniform(0, 1, (2, 2, 2, 256)).astype(np.float32)
    feeds = {
        "window": rng.uniform(-1, 1, (2, 16000)),
        "identity": np.eye(3)[[2, 1]],
        "emotion": rng.uniform(0, 1, (2, center, 10)),
        "noise": stub.noise(3, 2),
    }
    prediction, output = run(
        tmp_path / "network.onnx", ["prediction", "output_latents"], input_latents=latents, **feeds
    )
    wanted, state = stub.result(latents=latents, **feeds)
    assert prediction.shape == (2, left + center + right, 3 * 52 + 19)
    np.testing.assert_allclose(prediction, wanted, atol=2e-4)
    np.testing.assert_allclose(output, state, atol=1e-6)
    kept = np.abs(wanted[:, left : left + center]).max()
    thrown = np.abs(wanted[:, [*range(left), *range(left + center, stub.frames)]]).min(axis=1).max()
    assert kept < 50 < thrown


@pytest.mark.parametrize("name", ["window", "identity", "emotion", "latents", "noise"])
def test_every_input_of_the_diffusion_stub_matters(tmp_path, name):
    stub = stubs.make_stub_diffusion(tmp_path)
    rng = np.random.default_rng(1)
    feeds = {
        "window": rng.uniform(-1, 1, (1, 16000)),
        "identity": np.eye(3)[[0]],
        "emotion": rng.uniform(0, 1, (1, 30, 10)),
        "latents": stub.latents() + 0.5,
        "noise": stub.noise(),
    }
    before, _ = stub.result(**feeds)
    changed = np.eye(3)[[1]] if name == "identity" else feeds[name] * 0.5
    after, _ = stub.result(**{**feeds, name: changed})
    assert np.abs(after - before)[:, 15:45].max() > 1e-2


def test_the_first_slice_of_the_noise_does_not_matter(tmp_path):
    stub = stubs.make_stub_diffusion(tmp_path)
    noise = stub.noise()
    noise[:, 0] += 9.0
    rest = (np.zeros((1, 16000)), np.eye(3)[[0]], np.zeros((1, 30, 10)), stub.latents())
    np.testing.assert_array_equal(stub.result(*rest, noise)[0], stub.result(*rest, stub.noise())[0])


@pytest.mark.parametrize("length", [5000, 30000])
def test_the_emotion_stub_is_its_closed_form(tmp_path, length):
    stub = stubs.make_stub_emotion(tmp_path)
    windows = np.random.default_rng(1).uniform(-1, 1, (3, length)) * np.linspace(1, 0, length)
    windows[2] = 0.0
    (output,) = run(tmp_path / "network.onnx", ["output"], input_values=windows)
    np.testing.assert_allclose(output, stub.output(windows), atol=1e-3)
    assert output[0].argmax() == stub.labels.index("happy")
    assert output[2].argmax() == stub.labels.index("neutral")


def test_reordered_labels_reorder_the_output(tmp_path):
    labels = ("sad", "neutral", "happy", "fear", "disgust", "angry")
    stub = stubs.make_stub_emotion(tmp_path / "a", labels=labels)
    plain = stubs.make_stub_emotion(tmp_path / "b")
    window = np.random.default_rng(1).uniform(-1, 1, (1, 5000))
    np.testing.assert_allclose(stub.output(window)[:, ::-1][:, 0], plain.output(window)[:, 0])


@pytest.mark.parametrize("make", [stubs.make_stub_diffusion, stubs.make_stub_emotion])
def test_the_graphs_are_valid_onnx(tmp_path, make):
    onnx = pytest.importorskip("onnx")
    make(tmp_path)
    model = onnx.load(str(tmp_path / "network.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (8, 14)


def test_a_clip_seen_window_by_window_swells_with_the_voice(tmp_path):
    """The kept frames of neighbouring inferences join into one loudness curve."""
    stub = stubs.make_stub_diffusion(tmp_path)
    voice = stubs.speech_like(3.0)
    rest = (np.eye(3)[[0]], np.zeros((1, 30, 10)), stub.latents(), np.zeros_like(stub.noise()))
    rows = []
    for start in range(0, len(voice) - 16000 + 1, 8000):
        rows.append(stub.result(voice[None, start : start + 16000], *rest)[0][0, 15:45])
    jaw = np.concatenate(rows)[:, -18]
    times = 4000 + np.arange(len(jaw)) * 800 / 3
    pieces = np.abs(voice).reshape(-1, 800).mean(axis=1)
    loud = np.interp(times / 800, np.arange(len(pieces)) + 0.5, pieces)
    np.testing.assert_allclose(jaw, -2.0 * loud, atol=1e-9)
