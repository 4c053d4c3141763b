# SPDX-License-Identifier: GPL-3.0-or-later
"""The network itself: window against stretch, export against torch, rest, a minute of training."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="torch is only in the training environment (python tools/dev.py train)"
)
pytest.importorskip("onnx", reason="onnx is only in the training environment")

from facewright.core.head import load_head  # noqa: E402
from facewright.training.articulation import (  # noqa: E402
    EMOTIONS,
    SHAPES,
    read_articulation,
    read_expressions,
)
from facewright.training.coarticulation import LEARNT_CURVES  # noqa: E402
from facewright.training.export import (  # noqa: E402
    CLIP_NETWORK,
    LIVE_NETWORK,
    NETWORK,
    Exported,
    build_face,
    export_folder,
    export_networks,
    largest_difference,
    reload_listener,
    write_folder,
)
from facewright.training.face import Mouth, mean_squares  # noqa: E402
from facewright.training.geometry import face_rigs, span  # noqa: E402
from facewright.training.lean import Lean, lean  # noqa: E402
from facewright.training.network import CENTRE, WINDOW, Listener  # noqa: E402
from facewright.training.paths import HEAD_FILE, MODEL_FOLDER, TRAINING_FOLDER  # noqa: E402
from facewright.training.phones import VISEMES  # noqa: E402
from facewright.training.recipe import Recipe, read_recipe  # noqa: E402

SMALL = {"channels": 32, "dilations": read_recipe().section("fit")["dilations"]}
needs_head = pytest.mark.skipif(
    not HEAD_FILE.exists(), reason="the head is not built (python tools/head)"
)


@pytest.fixture(scope="module")
def listener():
    torch.manual_seed(0)
    return Listener(SMALL["channels"], SMALL["dilations"]).eval()


def test_a_window_hears_what_a_long_stretch_hears(listener):
    stretch = 0.1 * torch.randn(1, 1, 16000)
    with torch.no_grad():
        visemes, curves = listener(stretch)
        frame = 7
        centre = listener.margin + 320 * frame
        window = stretch[:, :, centre - CENTRE : centre - CENTRE + WINDOW]
        seen, bent = listener.window(window)
    torch.testing.assert_close(seen, visemes.softmax(1)[:, :, frame], atol=1e-5, rtol=0)
    torch.testing.assert_close(bent, curves.sigmoid()[:, :, frame], atol=1e-5, rtol=0)


def test_slow_articulators_are_a_mean_over_more_frames_than_contacts(listener):
    samples = 0.1 * torch.randn(1, 1, 16000)
    with torch.no_grad():
        visemes, curves = listener(samples)
        features = torch.nn.functional.gelu(listener.norm(listener.first(listener.mel(samples))))
        raw = listener.last(listener.blocks(features))[0].numpy()
    said = [np.convolve(row, np.poly1d([0.5, 0.5]) ** 2, "valid")[1:-1] for row in raw[:15]]
    assert np.allclose(visemes[0], said, atol=1e-5)
    for curve, name in enumerate(LEARNT_CURVES):
        row = raw[15 + curve]
        if name not in {"close", "dental"}:
            wanted = np.convolve(row, np.poly1d([0.5, 0.5]) ** 4, "valid")
        else:
            wanted = np.convolve(row, np.poly1d([0.5, 0.5]) ** 2, "valid")[1:-1]
        assert np.allclose(curves[0, curve], wanted, atol=1e-5), name


def test_what_is_left_out_while_learning_is_heard_afterwards():
    torch.manual_seed(2)
    careful = Listener(8, [1, 2], dropout=0.3)
    plain = Listener(8, [1, 2])
    samples = 0.1 * torch.randn(4, 1, 16000)
    with torch.no_grad():
        assert not torch.equal(careful(samples)[0], careful(samples)[0])
        plain.load_state_dict(careful.state_dict())
        careful.eval(), plain.eval()
        assert torch.equal(careful(samples)[0], plain(samples)[0])


def test_dilations_that_hear_beyond_the_window_are_refused():
    with pytest.raises(ValueError, match="window"):
        Listener(8, [1, 2, 4, 8])


def unsettled(listener):
    """The listener with normalisations that do something, as after training."""
    generator = torch.Generator().manual_seed(4)
    for module in listener.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.copy_(torch.randn(SMALL["channels"], generator=generator))
            module.running_var.copy_(0.5 + torch.rand(SMALL["channels"], generator=generator))
    return listener


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6, 11])
@pytest.mark.parametrize("spare", [0, 1, 319])
def test_the_lean_form_says_what_the_listener_says(frames, spare):
    torch.manual_seed(3)
    listener = unsettled(Listener(SMALL["channels"], SMALL["dilations"]).eval())
    samples = 0.1 * torch.randn(2, 1, WINDOW + 320 * (frames - 1) + spare)
    told = lean(listener)(samples, frames if spare == 0 else None)
    with torch.no_grad():
        for t in range(frames):
            cone = samples[:, :, 320 * t + CENTRE - listener.margin :]
            for lean_logits, logits in zip(told, listener(cone), strict=True):
                mine = lean_logits.reshape(2, frames, -1)[:, t]
                torch.testing.assert_close(mine, logits[:, :, 0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("dilations", [[1], [1, 2], [1, 1, 2, 2, 1], [2, 2, 1]])
def test_the_lean_form_follows_other_dilations(dilations):
    torch.manual_seed(5)
    listener = unsettled(Listener(SMALL["channels"], dilations).eval())
    samples = 0.1 * torch.randn(1, 1, WINDOW)
    with torch.no_grad():
        wanted = listener(samples[:, :, CENTRE - listener.margin :])[0][:, :, 0]
        torch.testing.assert_close(lean(listener)(samples, 1)[0], wanted, atol=1e-5, rtol=0)


def test_dilations_that_make_no_whole_pairs_are_refused():
    with pytest.raises(ValueError, match="pairs"):
        Lean(8, [2, 1, 2])


@needs_head
def test_the_exported_networks_are_the_trained_one(listener, tmp_path):
    head = load_head(HEAD_FILE)
    face = build_face(lean(listener), head)
    export_networks(face, tmp_path, {"steps": 7})
    assert largest_difference(face, tmp_path / NETWORK, count=3) < 1e-3
    for frames in (1, 2, 9):
        assert largest_difference(face, tmp_path / CLIP_NETWORK, frames, count=3) < 1e-3
    again = reload_listener(Recipe({"fit": SMALL}, ""), tmp_path / NETWORK)
    assert again.facts == {"steps": 7, **SMALL}
    for kept, written in zip(again.listener.buffers(), face.listener.buffers(), strict=True):
        assert torch.equal(kept, written)  # writing it again changes nothing


@needs_head
def test_a_network_for_live_use_joins_the_folder_and_is_kept_by_a_refresh(tmp_path):
    from facewright.core.pipeline import open_model
    from facewright.training.cli import main

    torch.manual_seed(6)
    form = {"dilations": [1, 1, 2, 1]}  # another form than the recipe's, told by the files
    main_one, live = (Exported(lean(Listener(8, [1, 1, 2, 1]).eval()), form) for _ in range(2))
    recipe, head = read_recipe(), load_head(HEAD_FILE)
    export_folder(tmp_path, head, recipe, main_one, live)
    opened = open_model(tmp_path, threads=1, low_delay=True)
    assert opened.model.info.target_offset == 6720
    listener = reload_listener(recipe, tmp_path / LIVE_NETWORK).listener
    assert largest_difference(build_face(listener, head), tmp_path / LIVE_NETWORK) < 1e-3
    assert largest_difference(build_face(listener, head), tmp_path / NETWORK) > 1e-3
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["refresh", "--model", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(before)
    for name in (NETWORK, LIVE_NETWORK):
        one, other = (reload_listener(recipe, tmp_path / name).listener, before[name])
        (tmp_path / "old.onnx").write_bytes(other)
        old = reload_listener(recipe, tmp_path / "old.onnx").listener
        for kept, written in zip(old.buffers(), one.buffers(), strict=True):
            assert torch.equal(kept, written)
    (tmp_path / "old.onnx").unlink()
    refreshed = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["refresh", "--model", str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == refreshed


@needs_head
def test_a_head_of_ones_own_gets_the_same_motion_in_its_own_shapes(tmp_path):
    """As `refresh --head FILE`: no training, the same weights, other geometry."""
    from facewright.core.models.model import load_model

    with np.load(HEAD_FILE) as told:
        arrays = dict(told)
    arrays["part/skin/shapes"] = 1.5 * arrays["part/skin/shapes"]
    np.savez(tmp_path / "own.npz", **arrays)
    ours, own = load_head(HEAD_FILE), load_head(tmp_path / "own.npz")
    torch.manual_seed(6)
    trained = Exported(lean(Listener(8, [1, 1, 2, 1]).eval()), {"dilations": [1, 1, 2, 1]})
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / LIVE_NETWORK).write_bytes(b"of another training")
    export_folder(folder, own, read_recipe(), trained)
    model = load_model(folder)
    assert not (folder / LIVE_NETWORK).exists() and model.live_network_path is None
    order = [ours.skin.shape_names.index(name) for name in model.skin_rig.names]
    np.testing.assert_allclose(model.skin_rig.deltas, 1.5 * ours.skin.shapes[order], atol=1e-3)
    face, plain = (build_face(trained.listener, head) for head in (own, ours))
    samples, emotion = face.example(3, 1)
    with torch.no_grad():
        moved, before = face(samples, emotion), plain(samples, emotion)
    shapes = model.data.skin_shapes
    wanted = span(face_rigs(ours)[0].deltas).directions
    skin = np.tensordot(moved[:, 0, : len(shapes)].numpy(), shapes, 1)
    skin_before = np.tensordot(before[:, 0, : len(wanted)].numpy(), wanted, 1)
    np.testing.assert_allclose(skin, 1.5 * skin_before, atol=2e-3)  # the same weights


@needs_head
def test_the_committed_folder_is_what_the_export_makes(tmp_path):
    """With the learnt part of the committed network, today's code, tables and head."""
    recipe, head = read_recipe(), load_head(HEAD_FILE)
    told = reload_listener(recipe, MODEL_FOLDER / NETWORK)
    face = build_face(told.listener, head)
    live = (MODEL_FOLDER / LIVE_NETWORK).exists()
    message = "run `python tools/dev.py train refresh` and commit the folder"
    for name, frames in ((NETWORK, 1), (CLIP_NETWORK, 1), (CLIP_NETWORK, 6)):
        assert largest_difference(face, MODEL_FOLDER / name, frames) < 1e-3, message
    write_folder(tmp_path, face, head, recipe, told.facts, live)
    for path in sorted(tmp_path.glob("*.json")):
        told = json.loads((MODEL_FOLDER / path.name).read_text("utf-8"))
        assert told == json.loads(path.read_text("utf-8")), message
    for path in sorted(tmp_path.glob("*.npz")):
        with np.load(path) as made, np.load(MODEL_FOLDER / path.name) as kept:
            assert set(made) == set(kept)
            for name in made:
                if made[name].dtype.kind == "f":
                    np.testing.assert_allclose(kept[name], made[name], atol=1e-4, err_msg=message)
                else:
                    np.testing.assert_array_equal(kept[name], made[name], err_msg=message)


def test_learnt_outputs_of_zero_are_a_still_face_and_weights_stay_in_bounds():
    mouth = Mouth(read_articulation(), read_expressions())
    width = mouth.implicit + len(EMOTIONS)
    rest = mouth(torch.zeros(1, 15), torch.zeros(1, 8), torch.zeros(1, width), torch.ones(1, 1))
    assert not rest.any()
    generator = torch.Generator().manual_seed(2)
    posteriors = torch.rand(200, 15, generator=generator).softmax(1)
    curves = torch.rand(200, 8, generator=generator)
    emotion = torch.rand(200, width, generator=generator)
    weights = mouth(posteriors, curves, emotion, torch.rand(200, 1, generator=generator))
    assert weights.min() >= 0.0
    assert weights.max() <= 1.0


def test_loud_speech_opens_the_jaw_more_and_quiet_speech_less():
    effort = read_articulation().effort
    mouth = Mouth(read_articulation(), read_expressions())
    posteriors, curves = torch.zeros(5, 15), torch.zeros(5, 8)
    posteriors[:, VISEMES.index("aa")], curves[:, 0] = 1.0, 0.8
    levels = torch.tensor([-90.0, effort.quiet, effort.normal, effort.loud, 3.0])[:, None]
    felt = torch.zeros(5, mouth.implicit + len(EMOTIONS))
    jaw = mouth(posteriors, curves, felt, 10 ** (levels / 10))[:, SHAPES.index("jawOpen")]
    wanted = jaw[2] * torch.tensor([effort.least, effort.least, 1.0, effort.most, effort.most])
    torch.testing.assert_close(jaw, wanted, atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("frames", [1, 4])
def test_the_level_is_that_of_each_frames_window(frames):
    generator = torch.Generator().manual_seed(3)
    samples = torch.randn(2, 1, 8320 + 320 * (frames - 1) + 100, generator=generator)
    told = mean_squares(samples, frames).reshape(2, frames)
    for frame in range(frames):
        window = samples[:, 0, 320 * frame : 320 * frame + 8320]
        torch.testing.assert_close(told[:, frame], window.square().mean(1))
    torch.testing.assert_close(mean_squares(samples), mean_squares(samples, frames))


@needs_head
@pytest.mark.parametrize("vowel", ["aa", "I", "O", "U", "SS"])
@pytest.mark.parametrize("mood", ["", *EMOTIONS, *read_expressions().moods])
def test_a_closure_really_closes_from_any_vowel_and_in_any_mood(vowel, mood):
    from facewright.core.head import lip_gap, pose_skin
    from facewright.training.coarticulation import CLOSE, TARGET_TABLE

    head = load_head(HEAD_FILE)
    index = VISEMES.index(vowel)
    posteriors = torch.zeros(1, 15)
    posteriors[0, index], posteriors[0, VISEMES.index("PP")] = 0.3, 0.7
    curves = torch.tensor([[*TARGET_TABLE[index], 1.0]], dtype=torch.float32)
    curves[0, CLOSE] = 0.7
    table = read_expressions()
    mouth = Mouth(read_articulation(), table)
    felt = torch.zeros(1, mouth.implicit + len(EMOTIONS))
    if mood in EMOTIONS:
        felt[0, mouth.implicit + EMOTIONS.index(mood)] = 1.0
    elif mood:
        felt[0, : mouth.implicit] = torch.tensor(table.moods[mood])
    weights = mouth(posteriors, curves, felt, torch.full((1, 1), 1e-2))
    gap = lip_gap(head, pose_skin(head, weights[:, :52].numpy()))
    assert gap[0] < 0.03


def test_a_minute_of_training_lowers_the_loss(tmp_path, monkeypatch):
    """Smoke test of all three fits and the realignment on made-up sounds; no voices are needed."""
    pytest.importorskip("soxr")
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path))
    from facewright.training import fit as fitting
    from facewright.training.phones import Segment
    from facewright.training.realign import realign_speech, realigned_path
    from facewright.training.recordings import Recording, write_recording
    from facewright.training.speech import speech_path
    from facewright.training.weights import read_listener

    told = read_recipe()
    values = {**told.values, "fit": {**told.section("fit"), "channels": 16, "batch": 4}}
    values["fit"]["seconds"] = 1.0
    values["speech"] = {**values["speech"], "minutes": {"kokoro": 10.0}}
    values["augment"] = {**values["augment"], "noise_share": 0.0, "room_share": 0.0}
    recipe = Recipe(values, "smoke")
    rng = np.random.default_rng(0)
    for number in range(6):
        segments, samples = [], np.zeros(24000, np.int16)
        for i, phone in enumerate("amisuma"):
            segments.append(Segment(phone, 0.2 * i + 0.055, 0.2 * i + 0.255))
            pitch = {"a": 700, "m": 250, "i": 2300, "s": 6000, "u": 350}[phone]
            times = np.arange(3200) / 16000
            wave = np.sin(2 * np.pi * pitch * times) + 0.1 * rng.normal(size=3200)
            samples[3200 * i : 3200 * (i + 1)] = 6000 * wave
        path = speech_path(recipe, "kokoro", number)
        voice = "af_nova" if number == 5 else "af_heart"
        write_recording(path, Recording(samples, segments, voice, "en", "kokoro", path.stem))
    draft = fitting.fit(recipe, "draft", steps=20)
    realign_speech(recipe, draft)  # nothing was aligned, so everything is
    assert all(
        realigned_path(recipe, draft, speech_path(recipe, "kokoro", n)).exists() for n in range(6)
    )
    weights = fitting.fit(recipe, "final", steps=40)
    facts = read_listener(weights).facts
    assert facts["steps"] == 40
    assert facts["realigned"] == 6
    assert facts["held_out"]["speech_frames"] > 0.3  # chance is under 0.2
    assert fitting.fit(recipe, "final", steps=40) == weights  # goes on: nothing left
    live = read_listener(fitting.fit(recipe, "live", steps=5))
    assert live.facts["steps"] == 5
    close = [
        torch.allclose(a, b, atol=0.02)
        for a, b in zip(
            live.listener.parameters(), read_listener(weights).listener.parameters(), strict=True
        )
    ]
    assert all(close)  # it began with the final weights


def test_a_network_can_be_trained_on_own_recordings_alone(tmp_path, monkeypatch):
    """As a user does: a recipe on top of ours, one command per stage, no voice is fetched."""
    pytest.importorskip("soxr")
    soundfile = pytest.importorskip("soundfile")
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path / "cache"))
    from facewright.training.cli import main
    from facewright.training.fit import fit_path
    from facewright.training.weights import read_listener

    times = np.arange(32000) / 16000
    labels = {}
    for name in ("anna/one.wav", "anna/two.wav", "bob/one.wav"):
        (tmp_path / "voices" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "voices" / name, 0.3 * np.sin(2000 * times), 16000)
        labels[name] = [["m", 0.1, 0.4], ["a", 0.4, 1.5], ["sil", 1.5, 2.0]]
    (tmp_path / "voices" / "labels.json").write_text(json.dumps(labels))
    (tmp_path / "own.toml").write_text(
        f"""base = "{(TRAINING_FOLDER / "recipe.toml").as_posix()}"
[speech.minutes]
kokoro = 0.0
hibari = 0.0
[speech.own]
folder = "{(tmp_path / "voices").as_posix()}"
held_out = ["bob"]
[fit]
channels = 8
batch = 2
[fit.draft]
channels = 8
"""
    )
    for stage in ("speech", "align", "draft", "realign", "fit", "live"):
        words = [stage, "--recipe", str(tmp_path / "own.toml"), "--steps", "2", "--jobs", "0"]
        assert main(words) == 0, stage
    facts = read_listener(fit_path(read_recipe(tmp_path / "own.toml"), "live")).facts
    assert (facts["utterances"], facts["aligned"], facts["realigned"]) == (2, 3, 0)
