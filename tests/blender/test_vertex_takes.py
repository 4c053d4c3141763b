# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertex animation goes with its take: shown again, replaced, removed, undone, cancelled."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest
from makers import curves_of
from vertices import animated, cache_on, folder_of, mesh_of, seen


def test_takes_of_a_mesh_without_shape_keys(wired_mesh, own_rest, stage_frames):
    """The action without a curve stands for the take: shown again, removed, at rest."""
    bare = mesh_of("Bare", own_rest)
    wired_mesh.character.skin = bare
    wired_mesh.pipeline.takes.bake = "NEW"
    leads = []
    for strength in (1.0, 1.5):
        wired_mesh.pipeline.lower_face_strength = strength
        animated()
        leads.append(bare.animation_data.action)
    assert bpy.ops.facewright.take_activate(take=leads[0].name) == {"FINISHED"}
    assert bare.animation_data.action == leads[0]
    take_id = leads[0]["facewright_take"]
    np.testing.assert_allclose(seen(bare, 9), stage_frames(take_id, folder_of(bare))[8], atol=1e-5)
    for lead in leads:
        assert bpy.ops.facewright.take_remove(take=lead.name) == {"FINISHED"}
    assert cache_on(bare) is None and bare.animation_data.action is None
    np.testing.assert_allclose(seen(bare, 9), own_rest, atol=1e-7)


def test_outputs_can_be_changed_and_changed_back(code, wired_mesh, own_mesh):
    status = code("operators.take_status")
    own = own_mesh.modifiers.new("Mine", "MESH_CACHE")  # an artist's
    own.filepath = "//mine.pc2"
    own.show_viewport = False
    animated()
    assert [each.name for each in own_mesh.modifiers] == ["Facewright Vertex Animation", "Mine"]
    assert status.status_of(wired_mesh.scene, wired_mesh.pipeline) == "Up to date"
    wired_mesh.pipeline.output = "SHAPE_KEYS"
    assert status.status_of(wired_mesh.scene, wired_mesh.pipeline) == "Outdated"
    animated()
    assert [each.name for each in own_mesh.modifiers] == ["Mine"]
    assert curves_of(own_mesh.data.shape_keys)
    wired_mesh.pipeline.output = "BOTH"
    animated()
    own_mesh.modifiers[0].name, own_mesh.modifiers[0].show_viewport = "renamed", False
    wired_mesh.pipeline.lower_face_strength = 1.3
    animated()  # in Both whoever switched it off goes on seeing the shape keys
    assert [each.name for each in own_mesh.modifiers] == ["renamed", "Mine"]
    assert not own_mesh.modifiers[0].show_viewport
    wired_mesh.pipeline.output = "VERTICES"
    animated()
    assert own_mesh.modifiers[0].show_viewport and not curves_of(own_mesh.data.shape_keys)
    assert own.filepath == "//mine.pc2"


def test_a_lost_file_is_outdated(code, wired_mesh, own_mesh):
    status = code("operators.take_status")
    animated()
    assert status.status_of(wired_mesh.scene, wired_mesh.pipeline) == "Up to date"
    Path(bpy.path.abspath(cache_on(own_mesh).filepath)).unlink()
    assert not status.is_lost(wired_mesh.scene, wired_mesh.pipeline)
    status.changed()
    assert status.status_of(wired_mesh.scene, wired_mesh.pipeline) == "Outdated"
    assert status.is_lost(wired_mesh.scene, wired_mesh.pipeline)  # so the panel says it


def test_takes_are_shown_again_with_their_vertices(wired_mesh, own_mesh, stage_frames):
    wired_mesh.pipeline.takes.bake = "NEW"
    made = []
    for output, strength in (("VERTICES", 1.0), ("BOTH", 1.5), ("SHAPE_KEYS", 1.0)):
        wired_mesh.pipeline.output, wired_mesh.pipeline.lower_face_strength = output, strength
        animated()
        made.append(own_mesh.data.shape_keys.animation_data.action)
    assert cache_on(own_mesh) is None
    for lead in made[:2]:
        wired_mesh.scene.render.fps = 60  # keys stay at their frames, and so do vertices
        assert bpy.ops.facewright.take_activate(take=lead.name) == {"FINISHED"}
        assert lead["facewright_take"] in cache_on(own_mesh).filepath
        frames = stage_frames(lead["facewright_take"], folder_of(own_mesh))
        label = json.loads(lead["facewright_label"])
        assert label["last_frame"] - label["first_frame"] == pytest.approx(len(frames) - 1)
        for index in (0, 9, len(frames) - 1):
            found = seen(own_mesh, label["first_frame"] + index)
            np.testing.assert_allclose(found, frames[index], atol=1e-5)
    assert bool(curves_of(own_mesh.data.shape_keys))
    assert bpy.ops.facewright.take_activate(take=made[2].name) == {"FINISHED"}
    assert cache_on(own_mesh) is None
    for lead, error in ((made[0], "cannot hold the vertex animation"), (made[1], "")):
        if error:
            with pytest.raises(RuntimeError, match=error):
                bpy.ops.facewright.take_to_nla(take=lead.name)
            continue
        bpy.ops.facewright.take_activate(take=lead.name)
        assert bpy.ops.facewright.take_to_nla(take=lead.name) == {"FINISHED"}
        assert cache_on(own_mesh) is None  # a strip plays shape keys


def test_a_take_whose_file_is_gone_is_not_shown(wired_mesh, own_mesh):
    wired_mesh.pipeline.takes.bake = "NEW"
    animated()
    first, path = own_mesh.data.shape_keys.animation_data.action, cache_on(own_mesh).filepath
    wired_mesh.pipeline.lower_face_strength = 1.5
    animated()
    second = cache_on(own_mesh).filepath
    Path(bpy.path.abspath(path)).unlink()
    with pytest.raises(RuntimeError, match="vertex animation of this take is gone"):
        bpy.ops.facewright.take_activate(take=first.name)
    assert cache_on(own_mesh).filepath == second


def test_files_of_replaced_takes_go_once_undo_is_over(wired_mesh, own_mesh, tmp_path):
    made = []
    for strength in (1.0, 1.3, 1.6):
        wired_mesh.pipeline.lower_face_strength = strength
        animated()
        made.append(Path(bpy.path.abspath(cache_on(own_mesh).filepath)))
        if len(made) == 1:  # a .blend needs this one from now on
            copy = str(tmp_path / "a.blend")
            bpy.ops.wm.save_as_mainfile(filepath=copy, copy=True, check_existing=False)
    assert all(path.is_file() for path in made)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert [path.is_file() for path in made] == [True, False, True]


@pytest.mark.parametrize("saved", [None, "before", "after"])
def test_a_removed_take_takes_its_files_along(wired_mesh, own_mesh, tmp_path, saved):
    """Not before undo is over, and never from under a .blend that has the take still."""
    blend = str(tmp_path / "a.blend")
    if saved:
        bpy.ops.wm.save_as_mainfile(filepath=blend, check_existing=False)
    own_mesh = bpy.data.objects["Gesicht 顔"]
    animated()
    if saved:
        bpy.ops.wm.save_mainfile()
    path = Path(bpy.path.abspath(cache_on(own_mesh).filepath))
    take = path.with_name(f"{path.name[:32]}.npz")
    assert path.is_file() and take.is_file()
    copy = own_mesh.copy()
    bpy.context.scene.collection.objects.link(copy)
    lead = own_mesh.data.shape_keys.animation_data.action
    assert bpy.ops.facewright.take_remove(take=lead.name) == {"FINISHED"}
    assert cache_on(own_mesh) is None and cache_on(copy) is None
    assert path.is_file() and take.is_file()
    if saved == "after":
        bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert path.is_file() == take.is_file() == (saved == "before")


def test_an_undone_removal_plays_again(wired_mesh, own_mesh):
    name = own_mesh.name
    animated()
    moving = seen(own_mesh, 9)
    bpy.ops.ed.undo_push(message="Animate")
    lead = own_mesh.data.shape_keys.animation_data.action
    assert bpy.ops.facewright.take_remove(take=lead.name) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Remove Take")
    assert np.abs(seen(bpy.data.objects[name], 9) - moving).max() > 1e-4
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(seen(bpy.data.objects[name], 9), moving)


def test_restored_settings_have_the_output(wired_mesh, own_mesh):
    animated()
    wired_mesh.pipeline.output = "SHAPE_KEYS"
    lead = own_mesh.data.shape_keys.animation_data.action
    assert bpy.ops.facewright.take_restore(take=lead.name) == {"FINISHED"}
    assert wired_mesh.pipeline.output == "VERTICES"


def test_a_cancelled_or_failed_animate_leaves_everything(
    code, wired_mesh, own_mesh, scene_state, monkeypatch
):
    animated()
    cache, before = cache_on(own_mesh), scene_state()
    path, folder = cache.filepath, folder_of(own_mesh)
    files = sorted(folder.iterdir())
    wired_mesh.pipeline.lower_face_strength = 1.5
    chosen, job = code("operators.chosen"), code("operators.animation_job")
    for share in (0.0, 0.7):  # while the worker works, and while keyframes are written
        steps = job.animation_steps(chosen.request_of(wired_mesh.scene, wired_mesh.pipeline))
        while next(steps).fraction < share:
            pass
        steps.close()
        code("operators.pump").pump()
        assert (cache_on(own_mesh).filepath, scene_state()) == (path, before)

    def fail(*_args, **_options):
        raise RuntimeError("the last step")

    monkeypatch.setattr(code("scene.actions"), "put_in_place", fail)
    with pytest.raises(RuntimeError, match="the last step"):
        code("operators.asking").wait_for(
            job.animation_steps(chosen.request_of(wired_mesh.scene, wired_mesh.pipeline))
        )
    assert (cache_on(own_mesh).filepath, scene_state()) == (path, before)
    end = 200
    while sorted(folder.iterdir()) != files and end:
        code("operators.pump").pump()
        end -= 1
    assert sorted(folder.iterdir()) == files


def test_undo_shows_the_take_before(wired_mesh, own_mesh, stage_frames):
    name = own_mesh.name
    bpy.ops.ed.undo_push(message="Set up")
    animated()
    bpy.ops.ed.undo_push(message="Animate")
    first = cache_on(bpy.data.objects[name]).filepath
    wired_mesh.scene.facewright.pipelines[0].lower_face_strength = 1.5
    animated()
    bpy.ops.ed.undo_push(message="Animate again")
    assert cache_on(bpy.data.objects[name]).filepath != first
    bpy.ops.ed.undo()
    own_mesh = bpy.data.objects[name]
    assert cache_on(own_mesh).filepath == first
    take_id = Path(first).name[:32]
    frames = stage_frames(take_id, folder_of(own_mesh))
    np.testing.assert_allclose(seen(own_mesh, 6), frames[5], atol=1e-5)


def test_a_preview_is_seen_over_vertex_animation(code, wired_mesh, own_mesh):
    """What a slider shows goes by shape keys, so the modifier is off until there is a take again;
    a file that is saved meanwhile, and renders, hold the take."""
    animated()
    frames, preview = code("scene.frames"), code("operators.preview").PREVIEW
    character = code("scene.characters").find_character(own_mesh)
    track = code("core.face.track").FaceTrack(
        ("jawOpen",), np.ones((1, 1), np.float32), np.eye(4, dtype=np.float32)[None],
        np.zeros((1, 2, 2), np.float32), Fraction(30), 1 / 30,
    )  # fmt: skip
    frames.show_frame(character, track)
    preview._covered = True
    assert not cache_on(own_mesh).show_viewport and cache_on(own_mesh).show_render
    assert own_mesh.data.shape_keys.key_blocks["jawOpen"].value == 1.0
    preview.uncover()
    assert cache_on(own_mesh).show_viewport
    look = frames.look_of(character, track)  # a live session
    look.note()
    frames.show_frame(character, track)
    assert not cache_on(own_mesh).show_viewport
    frames.give_back(look)
    assert cache_on(own_mesh).show_viewport and frames.NOTED not in own_mesh


def test_takes_are_found_after_save_as_to_another_folder(code, wired_mesh, tmp_path):
    """Both those that play and those that can be shown again, up to date as they were."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    wired_mesh.pipeline.takes.bake = "NEW"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "one/a.blend"), check_existing=False)
    leads = []
    for strength in (1.0, 1.5):
        scene = bpy.context.scene
        scene.facewright.pipelines[0].lower_face_strength = strength
        animated()
        own = bpy.data.objects["Gesicht 顔"]
        leads.append(own.data.shape_keys.animation_data.action.name)
    moving = seen(own, 9)
    blend = str(tmp_path / "two/b.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=blend)
    own, scene = bpy.data.objects["Gesicht 顔"], bpy.context.scene
    status = code("operators.take_status").status_of(scene, scene.facewright.pipelines[0])
    assert status == "Up to date"
    np.testing.assert_array_equal(seen(own, 9), moving)
    for lead in leads:
        assert bpy.ops.facewright.take_activate(take=lead) == {"FINISHED"}
        assert np.abs(seen(own, 9) - seen(own, 1)).max() > 1e-4
    np.testing.assert_array_equal(seen(own, 9), moving)


def test_files_that_do_not_go_with_the_blend_are_said(own_mesh, speak, voice, tmp_path):
    assert any("user folder" in notice for notice in speak(own_mesh, voice).notices)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    again = speak(bpy.data.objects["Gesicht 顔"], voice, settings={"lower_face_strength": 1.5})
    assert not any("folder" in notice for notice in again.notices)


def test_a_preview_from_before_animate_does_not_cover_the_take(code, wired_mesh, own_mesh):
    """A slider was moved, and the frame that it asked for comes when the take is there."""
    preview, pump = code("operators.preview").PREVIEW, code("operators.pump").pump
    preview.want(wired_mesh.scene, wired_mesh.pipeline.id)
    preview._step()
    assert preview.holds_worker
    animated()
    for _ in range(50):
        pump()
        preview.step()
    assert not preview.running
    assert cache_on(own_mesh).show_viewport
    assert code("scene.frames").NOTED not in own_mesh


def test_a_slider_that_is_put_back_uncovers_the_take(code, wired_mesh, own_mesh):
    animated()
    preview, status = code("operators.preview").PREVIEW, code("operators.take_status")
    pipeline, scene = wired_mesh.pipeline, wired_mesh.scene
    before = pipeline.lower_face_strength
    for strength, covered in ((before + 0.3, True), (before, False)):
        pipeline.lower_face_strength = strength
        preview.want(scene, pipeline.id)
        while preview.running:
            preview.step()
        assert not cache_on(own_mesh).show_viewport
        status.changed()
        status._look_at_one()
        assert cache_on(own_mesh).show_viewport is not covered
