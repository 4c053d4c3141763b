# SPDX-License-Identifier: GPL-3.0-or-later
"""The library in the preferences: its list, its terms, downloads, and what is shown."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy
import pytest
import stubs

BUILT_IN = ["Facewright", "Facewright Emotion"]
WORKER_TESTS = Path(__file__).resolve().parents[1] / "worker"


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"library_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


hub_server = load(WORKER_TESTS / "hub_server.py")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A model of each kind: own, somebody's with terms, and Audio2Emotion's."""
    place = tmp_path_factory.mktemp("all models")
    stubs.make_stub_model(place / "Own")
    stubs.make_stub_diffusion(place / "People")
    stubs.make_stub_emotion(place / "Emotion")
    return place


def add(folder: Path) -> set[str]:
    return bpy.ops.facewright.model_add(directory=str(folder))


def mark(chosen: Any, name: str) -> None:
    chosen.active_model = chosen.models.find(name)


def test_a_file_that_is_put_back_makes_the_model_usable_again(library, tmp_path):
    folder = tmp_path / "Model"
    stubs.make_stub_model(folder)
    network = folder / "network.onnx"
    assert library.look(folder).problem == ""
    network.rename(tmp_path / "aside")
    assert "network.onnx" in library.look(folder).problem
    (tmp_path / "aside").rename(network)
    assert library.look(folder).problem == ""


def test_the_built_in_models_come_first_and_stay(chosen, library, folders):
    add(folders / "Own")
    assert [row.name for row in chosen.models] == [*BUILT_IN, "Own"]
    assert [library.look(library.folder_of(row)).kind for row in chosen.models] == [
        "regression",
        "emotion",
        "regression",
    ]
    for place in range(len(BUILT_IN)):
        assert chosen.models[place].built_in
        assert library.is_accepted(chosen.models[place])
        chosen.active_model = place
        with pytest.raises(RuntimeError, match="cannot be removed"):
            bpy.ops.facewright.model_remove()
    library.ensure_built_in(chosen)
    assert [row.name for row in chosen.models] == [*BUILT_IN, "Own"]


def test_a_list_of_before_the_second_built_in_model_gets_it(chosen, library, folders):
    add(folders / "Own")
    chosen.models.remove(1)
    library.ensure_built_in(chosen)
    assert [row.name for row in chosen.models] == [*BUILT_IN, "Own"]


def test_a_folder_is_added_once(chosen, folders):
    assert add(folders / "Own") == {"FINISHED"}
    assert add(folders / "Own") == {"FINISHED"}
    assert [row.name for row in chosen.models] == [*BUILT_IN, "Own"]
    assert chosen.models[chosen.active_model].name == "Own"


def test_a_folder_of_models_adds_them_all(chosen, folders):
    add(folders)
    assert {row.name for row in chosen.models} == {*BUILT_IN, "Own", "People", "Emotion"}


def test_a_broken_model_keeps_none_of_its_neighbours_out(chosen, folders, tmp_path):
    for name in ("a good", "b broken", "c good"):
        shutil.copytree(folders / "Own", tmp_path / name)
    (tmp_path / "b broken" / "model.json").write_text("{", encoding="utf-8")
    assert add(tmp_path) == {"FINISHED"}
    assert [row.name for row in chosen.models][len(BUILT_IN) :] == ["a good", "c good"]


def test_names_are_different_from_each_other(chosen, folders, tmp_path):
    stubs.make_stub_model(tmp_path / "own")
    add(folders / "Own")
    add(tmp_path / "own")
    assert [row.name for row in chosen.models][len(BUILT_IN) :] == ["Own", "own 2"]


def test_what_is_no_model_is_refused_in_a_sentence(chosen, tmp_path):
    with pytest.raises(RuntimeError, match="model"):
        add(tmp_path / "nowhere")
    assert len(chosen.models) == len(BUILT_IN)


def test_removing_leaves_the_files(chosen, folders):
    add(folders / "Own")
    chosen.model = chosen.models["Own"].folder
    assert bpy.ops.facewright.model_remove(delete_files=True) == {"FINISHED"}
    assert [row.name for row in chosen.models] == BUILT_IN
    assert chosen.model == ""
    assert (folders / "Own" / "model.json").is_file()


@pytest.mark.parametrize("delete", [False, True])
def test_downloaded_files_are_deleted_on_request(chosen, library, tmp_path, delete):
    folder = tmp_path / "fetched"
    stubs.make_stub_model(folder)
    files = {path.name: "hash" for path in folder.iterdir()}
    (folder / "facewright-origin.json").write_text(json.dumps({"files": files}), "utf-8")
    library.add_model(chosen, folder, downloaded=True)
    assert bpy.ops.facewright.model_remove(delete_files=delete) == {"FINISHED"}
    assert folder.exists() is not delete


def test_files_of_the_users_own_survive_the_deletion(chosen, library, tmp_path):
    folder = tmp_path / "fetched"
    stubs.make_stub_model(folder)
    files = {path.name: "hash" for path in folder.iterdir()}
    files["../outside.txt"] = "hash"
    (tmp_path / "outside.txt").touch()
    (folder / "mine.txt").touch()
    (folder / "facewright-origin.json").write_text(json.dumps({"files": files}), "utf-8")
    library.add_model(chosen, folder, downloaded=True)
    bpy.ops.facewright.model_remove(delete_files=True)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert (tmp_path / "outside.txt").exists()


# ---- terms


@pytest.mark.parametrize("name", ["People", "Emotion"])
def test_terms_have_to_be_accepted(code, chosen, library, folders, name):
    user_error = code("core.errors").UserError
    folder = folders / name
    with pytest.raises(user_error, match="Add its folder to the library"):
        library.check_licence(folder)
    library.check_licence(folder, accepted=True)
    add(folder)
    mark(chosen, name)
    with pytest.raises(user_error, match=r"Accept them in Edit > Preferences.*--accept-licence"):
        library.check_licence(folder)
    bpy.ops.facewright.model_licence(accept=True)
    library.check_licence(folder)
    library.check_licence(str(folder))
    bpy.ops.facewright.model_licence(accept=False)
    with pytest.raises(user_error):
        library.check_licence(folder)


def test_own_models_have_no_terms(chosen, library, folders):
    library.check_licence(folders / "Own")
    for folder in library.BUILT_INS.values():
        library.check_licence(folder)
    add(folders / "Own")
    with pytest.raises(RuntimeError, match="without terms of others"):
        bpy.ops.facewright.model_licence(accept=True)


def test_new_terms_have_to_be_accepted_anew(code, chosen, library, folders):
    add(folders / "People")
    chosen.models["People"].accepted = "terms of an earlier day"
    with pytest.raises(code("core.errors").UserError):
        library.check_licence(folders / "People")


def test_the_default_of_each_kind(chosen, folders):
    add(folders)
    bpy.ops.facewright.model_default(name="Own")
    bpy.ops.facewright.model_default(name="Emotion")
    assert chosen.model == chosen.models["Own"].folder
    assert chosen.emotion_model == chosen.models["Emotion"].folder
    for name in BUILT_IN:
        bpy.ops.facewright.model_default(name=name)
    assert (chosen.model, chosen.emotion_model) == ("", "")


def test_the_star_means_its_own_row(chosen, library, shown, folders, tmp_path):
    """Names can be typed, so two rows may have the same."""
    stubs.make_stub_model(tmp_path / "Other")
    add(folders / "Own")
    add(tmp_path / "Other")
    for row in chosen.models[len(BUILT_IN) :]:
        row.name = "Hero"
    assert bpy.ops.facewright.model_default(row=len(BUILT_IN) + 1) == {"FINISHED"}
    assert chosen.model == str(tmp_path / "Other")


@pytest.mark.skipif(bpy.app.version < (4, 5), reason="4.2's module crashes in read_userpref")
def test_the_library_survives_a_restart(chosen, library, folders):
    add(folders / "People")
    bpy.ops.facewright.model_licence(accept=True)
    chosen.device = "cpu"
    assert bpy.context.preferences.is_dirty
    bpy.ops.wm.save_userpref()
    chosen.models.clear()
    bpy.ops.wm.read_userpref()
    again = library.preferences()
    try:
        assert [row.name for row in again.models] == [*BUILT_IN, "People"]
        assert library.is_accepted(again.models["People"])
        assert again.device == "cpu"
    finally:
        again.models.clear()
        again.property_unset("device")
        library.ensure_built_in(again)
        bpy.ops.wm.save_userpref()


# ---- what is shown


def test_each_model_is_described(chosen, shown, folders):
    add(folders)
    mark(chosen, "People")
    texts = shown()
    assert {"Claire, James, Mark", "Every language", "60 frames per second"} <= set(texts)
    assert "It cannot be used before its terms are accepted" in texts
    for person, what in (("Mark", "Expressive"), ("Claire", "best for Mandarin"),
                         ("James", "articulation")):  # fmt: skip
        at = texts.index(person)
        assert what in " ".join(texts[at : at + 4])
    assert any(re.fullmatch(r"About [0-9.]+ GiB on the .*", text) for text in texts)
    assert texts.count("Terms not accepted") == 2
    mark(chosen, "Emotion")
    assert "Emotion from the voice (Audio2Emotion)" in shown()
    mark(chosen, "Facewright")
    assert "Came with Facewright" in shown()


def test_a_folder_that_went_away_is_told(chosen, library, shown, tmp_path):
    stubs.make_stub_model(tmp_path / "gone")
    add(tmp_path / "gone")
    (tmp_path / "gone" / "model.json").unlink()
    texts = shown()
    assert "Not usable" in texts
    assert any("There is no model in" in text for text in texts)


def test_offline_is_said_with_the_way_out(code, shown, chosen, monkeypatch):
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", False)
    texts = shown()
    assert any("Blender may not go online" in text for text in texts)
    assert "use_online_access" in texts
    with pytest.raises(RuntimeError, match="may not go online"):
        bpy.ops.facewright.model_download(key="audio2face-3d-v2.3-mark", accept=True)


def test_memory_that_is_short_is_said_beforehand(code, chosen, shown, folders, monkeypatch):
    processors = code("operators.processors")
    memory = code("core.memory")
    monkeypatch.setattr(processors.SEEN, "free", 1000)
    assert any("takes about" in text and "this computer" in text for text in shown())
    monkeypatch.setattr(processors.SEEN, "cards", (memory.Card("A card", 8 << 30, 7 << 30),))
    assert not any("takes about" in text for text in shown())
    chosen.device = "cpu"
    assert any("takes about" in text for text in shown())


# ---- downloads


@pytest.fixture
def hub(code, library, monkeypatch, tmp_path, chosen):
    """A hub of our own in place of the public one, and Blender allowed to go online."""
    model = code("core.hub").published("audio2face-3d-v2.3.1-james")
    stubs.make_stub_diffusion(tmp_path / "published")
    server = hub_server.HubServer(tmp_path / "published", model.repository)
    monkeypatch.setenv("FACEWRIGHT_HUB", server.address)
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    if not bpy.app.online_access:
        pytest.skip("this Blender cannot be allowed to go online")
    chosen.models_folder = str(tmp_path / "downloads")
    yield server
    server.stop()


KEY = "audio2face-3d-v2.3.1-james"


def test_a_download_ends_in_the_library(code, chosen, library, hub, shown):
    assert f"Download ({260} MB)" in shown()
    assert bpy.ops.facewright.model_download(key=KEY, accept=True) == {"FINISHED"}
    row = chosen.models[len(BUILT_IN)]
    assert (row.name, row.downloaded) == ("James (v2.3.1)", True)
    library.check_licence(row.folder)
    assert (Path(row.folder) / "facewright-origin.json").is_file()
    assert library.FETCHING.outcome == "James (v2.3.1) is ready"
    assert f"Download ({260} MB)" not in shown()


def test_what_is_here_already_is_only_added(chosen, library, hub, shown):
    """After it was taken off the list, or when a cancel came too late."""
    bpy.ops.facewright.model_download(key=KEY, accept=True)
    mark(chosen, "James (v2.3.1)")
    bpy.ops.facewright.model_remove()
    hub.asked.clear()
    assert "Add" in shown()
    assert bpy.ops.facewright.model_download(key=KEY, accept=True) == {"FINISHED"}
    assert not hub.asked
    assert chosen.models["James (v2.3.1)"].downloaded


def test_nothing_is_downloaded_without_the_terms(chosen, hub):
    with pytest.raises(RuntimeError, match="terms were not accepted"):
        bpy.ops.facewright.model_download(key=KEY)
    assert not hub.asked


def test_a_failed_download_is_told(chosen, library, hub, shown):
    hub.status["listing"] = [404]
    with pytest.raises(RuntimeError, match="does not have"):
        bpy.ops.facewright.model_download(key=KEY, accept=True)
    assert library.FETCHING.failed
    assert len(chosen.models) == len(BUILT_IN)
    assert any("does not have" in text for text in shown())


def test_a_worker_that_cannot_start_is_told_with_its_log(code, monkeypatch, chosen, hub, tmp_path):
    local = code("providers.local")
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(2)", encoding="utf-8")
    make = local.LocalWorker
    monkeypatch.setattr(local, "LocalWorker", lambda *a, **o: make(*a, **o, entry=broken))
    with pytest.raises(RuntimeError, match=r"exit code 2 before it was ready.*fetching\.log"):
        bpy.ops.facewright.model_download(key=KEY, accept=True)


def test_one_download_at_a_time(library, hub, shown):
    library.FETCHING.begin()
    with pytest.raises(RuntimeError, match="already"):
        bpy.ops.facewright.model_download(key=KEY, accept=True)
    assert "Starting" in shown()
    assert bpy.ops.facewright.fetch_cancel() == {"FINISHED"}
    assert library.FETCHING.cancel
