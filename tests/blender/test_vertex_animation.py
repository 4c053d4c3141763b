# SPDX-License-Identifier: GPL-3.0-or-later
"""The network's full geometry on the mesh: every frame where the stages put it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from makers import curves_of
from vertices import AXES, animated, assert_plays, cache_on, folder_of, mesh_of, seen


@pytest.mark.parametrize(
    ("fps", "base", "rate", "start"),
    [(30, 1.0, None, None), (24, 1.001, None, 11.0), (30, 1.0, "59.94", 7.25), (60, 1.0, 24, -5)],
)
def test_every_frame_is_where_the_stages_put_it(
    scene, speak, own_mesh, voice, stage_frames, fps, base, rate, start
):
    scene.render.fps, scene.render.fps_base = fps, base
    result = speak(own_mesh, voice, fps=rate, start_frame=start)
    frames = stage_frames(result.take_id, folder_of(own_mesh))
    assert np.ptp(frames, axis=0).max() > 2e-3
    assert_plays(own_mesh, result, frames)
    assert not curves_of(own_mesh.data.shape_keys)  # vertices alone
    assert not any(block.value for block in own_mesh.data.shape_keys.key_blocks[1:])


def test_both_has_keys_under_the_modifier(speak, own_mesh, voice, stage_frames):
    result = speak(own_mesh, voice, output="BOTH")
    assert_plays(own_mesh, result, stage_frames(result.take_id, folder_of(own_mesh)))
    assert curves_of(own_mesh.data.shape_keys)
    cache_on(own_mesh).show_viewport = False
    loud = 1 + int(result.face.weights[:, result.face.names.index("jawOpen")].argmax())
    lifted = seen(own_mesh, loud) - seen(own_mesh, -100)
    assert np.ptp(lifted[:, 2]) < 1e-6 < lifted[0, 2]  # the shape keys alone


def test_a_mesh_without_shape_keys_speaks(speak, code, own_rest, voice, stage_frames):
    bare = mesh_of("Bare", own_rest)
    with pytest.raises(code("core.errors").UserError, match="no shape keys"):
        speak(bare, voice, output="SHAPE_KEYS")
    result = speak(bare, voice)
    assert_plays(bare, result, stage_frames(result.take_id, folder_of(bare)))
    again = speak(bare, voice, settings={"lower_face_strength": 1.6})
    assert again.take_id in cache_on(bare).filepath
    assert_plays(bare, again, stage_frames(again.take_id, folder_of(bare)))
    assert len(bpy.data.actions) == 1


def test_several_faces_play_files_of_their_own(wired_mesh, own_mesh, own_rest, stage_frames):
    second = mesh_of("Second", 2.0 * own_rest + [1.0, 0.0, 0.0], ("jawOpen",))
    chosen = wired_mesh.scene.facewright
    chosen.add_character("Second", wired_mesh.pipeline)
    chosen.characters[-1].skin = second
    animated()
    files = [Path(cache_on(obj).filepath).name for obj in (own_mesh, second)]
    assert files[0][:32] == files[1][:32] and files[0] != files[1]
    frames = stage_frames(files[0][:32], folder_of(own_mesh))
    np.testing.assert_allclose(seen(own_mesh, 9), frames[8], atol=1e-5)
    moved = own_rest + 0.5 * (seen(second, 9) - (2.0 * own_rest + [1.0, 0.0, 0.0]))
    np.testing.assert_allclose(moved, frames[8], atol=1e-5)
    lead = second.data.shape_keys.animation_data.action
    assert json.loads(lead["facewright_label"])["caches"] == {"skin": files[1]}


def test_the_template_heads_skin_and_tongue(scene, code, voice):
    """Brows and lashes go with the skin by their shape keys; a subdivision goes on after it."""
    bpy.ops.facewright.add_head()
    skin = bpy.data.objects["Facewright Head"]
    tongue = bpy.data.objects["Facewright Head Tongue"]
    result = code("operators.animate").animate_object(bpy.context, skin, voice, output="VERTICES")
    assert skin.modifiers[0].type == tongue.modifiers[0].type == "MESH_CACHE"
    assert not curves_of(skin.data.shape_keys) and not curves_of(tongue.data.shape_keys)
    for part in ("Lashes", "Brows"):
        assert curves_of(bpy.data.objects[f"Facewright Head {part}"].data.shape_keys)
    assert curves_of(bpy.data.objects["Facewright Head Lower Denture"])  # the jaw is keyed
    for obj in (skin, tongue):
        obj.modifiers["Subdivision"].show_viewport = False
    take = code("core.take_file").read_take(folder_of(skin) / f"{result.take_id}.npz")
    model = code("core.models.model").load_model(code("scene.places").BUILT_IN_MODEL)
    motion = code("core.motion").at_rate(take.motion, take.face.fps, take.face.frame_count)
    for obj, name in ((skin, "skin"), (tongue, "tongue")):
        vertices = getattr(code("core.face.stages"), f"{name}_vertices")
        frames = np.concatenate(list(vertices(model, motion, take.settings)))
        neutral = getattr(model.data, f"{name}_neutral")
        moves = 0.01 * (frames - neutral).astype(float) @ AXES.T
        own = np.empty(len(obj.data.vertices) * 3, np.float32)
        obj.data.shape_keys.reference_key.points.foreach_get("co", own)
        assert_plays(obj, result, own.reshape(-1, 3) + moves)


def test_a_mesh_that_does_not_fit_is_named_before_anything_happens(
    scene, code, speak, own_face, voice, scene_state
):
    before = scene_state()
    for output in ("VERTICES", "BOTH"):
        with pytest.raises(
            code("core.errors").UserError, match="'Face' has 36 vertices, but stub moves 180"
        ):
            speak(own_face, voice, output=output)
    with pytest.raises(code("core.errors").UserError, match="no output 'WEIGHTS'"):
        speak(own_face, voice, output="WEIGHTS")
    assert scene_state() == before


def test_the_panel_says_what_does_not_fit(code, wired_mesh, own_face):
    reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason
    assert reason(bpy.context) == ""
    wired_mesh.pipeline.takes.bake = "NLA"
    assert "strip of the NLA cannot hold vertex animation" in reason(bpy.context)
    wired_mesh.pipeline.takes.bake = "REPLACE"
    wired_mesh.character.skin = own_face
    assert "'Face' has 36 vertices, but stub moves 180" in reason(bpy.context)
    parts = code("operators.attached_meshes").status_of
    assert parts(wired_mesh.character, wired_mesh.pipeline).problem
    assert "36 vertices" in parts(wired_mesh.character, wired_mesh.pipeline).text
    wired_mesh.pipeline.output = "SHAPE_KEYS"
    assert reason(bpy.context) == ""
    assert not parts(wired_mesh.character, wired_mesh.pipeline).problem


def test_a_tongue_of_another_topology_keeps_its_shape_keys(code, wired_mesh, own_mesh, own_rest):
    other = mesh_of("Other Tongue", own_rest[:9], ("tongueUp",))
    wired_mesh.character.tongue = other
    status = code("operators.attached_meshes").status_of(wired_mesh.character, wired_mesh.pipeline)
    assert not status.problem
    assert "'Other Tongue' has 9 vertices, but stub moves 24 of the tongue" in status.text
    animated()
    assert cache_on(own_mesh) and not cache_on(other)
    assert curves_of(other.data.shape_keys)


def test_a_tongue_of_the_networks_topology_moves_by_vertices(wired_mesh, stub_arrays, stage_frames):
    own = mesh_of("Own Tongue", 0.01 * stub_arrays["shapes_mean_tongue"] @ AXES.T, ("tongueUp",))
    wired_mesh.character.tongue = own
    animated()
    take_id = cache_on(own).filepath.replace("\\", "/").rpartition("/")[2][:32]
    frames = stage_frames(take_id, folder_of(own), "tongue")
    np.testing.assert_allclose(seen(own, 9), frames[8], atol=1e-5)
    assert not curves_of(own.data.shape_keys)


CHECK = """
import bpy, sys, numpy as np
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
obj = bpy.data.objects["Gesicht 顔"]
for index, frame in enumerate((1, 9, 30)):
    bpy.context.scene.frame_set(frame)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    np.save(f"{sys.argv[2]}{index}.npy", found.reshape(-1, 3))
print(obj.modifiers[0].filepath)
"""


def test_a_saved_file_plays_elsewhere_and_without_the_extension(
    speak, own_mesh, voice, stage_frames, tmp_path
):
    """Paths are relative, so the folder can move; Save As to another folder keeps them right."""
    home = tmp_path / "Projekt ä"
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "a.blend"), check_existing=False)
    own_mesh = bpy.data.objects["Gesicht 顔"]
    result = speak(own_mesh, voice)
    assert cache_on(own_mesh).filepath.startswith("//facewright_takes")
    frames = stage_frames(result.take_id, home / "facewright_takes")
    bpy.ops.wm.save_mainfile()
    (tmp_path / "else").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "else" / "b.blend"), check_existing=False)
    np.testing.assert_allclose(seen(bpy.data.objects["Gesicht 顔"], 9), frames[8], atol=1e-5)
    home.rename(tmp_path / "moved")
    blend = tmp_path / "moved" / "a.blend"
    out = tmp_path / "found"
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(blend), str(out)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for index, frame in enumerate((1, 9, 30)):
        found = np.load(f"{out}{index}.npy")
        np.testing.assert_allclose(found, frames[frame - 1], atol=1e-5)


def test_a_file_that_is_saved_by_the_command_line_plays(code, own_mesh, voice, stub, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    (tmp_path / "out put").mkdir()
    out = tmp_path / "out put" / "b.blend"
    words = ["animate", "--audio", voice, "--object", "Gesicht 顔", "--model", str(stub.folder)]
    done = code("operators.command").main([*words, "--output", "vertices", "--out", str(out)])
    assert done == 0
    moving = seen(bpy.data.objects["Gesicht 顔"], 9)
    bpy.ops.wm.open_mainfile(filepath=str(out))
    own_mesh = bpy.data.objects["Gesicht 顔"]
    assert cache_on(own_mesh).filepath.startswith("//")
    np.testing.assert_array_equal(seen(own_mesh, 9), moving)
    assert np.abs(moving - seen(own_mesh, 20)).max() > 1e-4


def test_scripts_choose_the_output(api, stub_is_default, own_mesh, voice, stage_frames):
    job = api.animate(own_mesh, voice, output="BOTH")
    job.wait(60)
    assert job.ok, job.error
    result = job.result
    assert_plays(own_mesh, result, stage_frames(result.take_id, folder_of(own_mesh)))


def test_exports_hold_what_the_mesh_shows(code, own_mesh, speak, voice, tmp_path):
    """USD has the vertices of every frame; FBX cannot hold them, which is said."""
    versions = code("scene.versions")
    names = [".fbx"] + ([".usdc"] if versions.has_usd() else [])
    bpy.context.view_layer.update()
    outs = [str(tmp_path / f"line{ending}") for ending in names]
    result = speak(own_mesh, voice, outputs=outs)
    assert any("FBX" in notice and "vertex animation" in notice for notice in result.notices)
    if not versions.has_usd():
        return
    wanted = [seen(own_mesh, frame) for frame in (1, 12, 30)]
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(tmp_path / "line.usdc"))
    mesh = next(obj for obj in bpy.data.objects if obj.type == "MESH")
    for frame, points in zip((1, 12, 30), wanted, strict=True):
        np.testing.assert_allclose(seen(mesh, frame), points, atol=1e-5)
