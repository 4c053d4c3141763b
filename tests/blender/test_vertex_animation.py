# SPDX-License-Identifier: GPL-3.0-or-later
"""The network's full geometry on the mesh: every frame where the formulas put it, whatever is done
with the take afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest
from makers import curves_of

AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # Y up to Z up

LIFT = np.array([0, 0, 0.01])


def mesh_of(name, points, keys=(), parent=None):
    """A mesh of these points, with shape keys that each lift it as a whole."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], [(0, 1, 2)])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    for key in ("Basis", *keys) if keys else ():
        obj.shape_key_add(name=key, from_mix=False).value = 0.0
    for block in obj.data.shape_keys.key_blocks[1:] if keys else ():
        block.points.foreach_set("co", (points + LIFT).astype(np.float32).ravel())
    return obj


@pytest.fixture(scope="module")
def data(stub):
    """The arrays of the stub model's folder."""
    with np.load(Path(stub.folder) / "model_data.npz") as arrays:
        return {name: arrays[name].astype(float) for name in arrays.files}


@pytest.fixture
def rest(data):
    """The network's own mesh in Blender's space, metres."""
    return 0.01 * data["shapes_mean_skin"] @ AXES.T


@pytest.fixture
def face(rest):
    return mesh_of("Gesicht 顔", rest, ("jawOpen", "mouthPucker"))


@pytest.fixture
def animate(code, stub):
    function = code("operators.animate").animate_object

    def run(obj, voice, **options):
        return function(
            bpy.context, obj, voice, **{"model": str(stub.folder), "output": "VERTICES", **options}
        )

    return run


@pytest.fixture
def expected(code, stub):
    """The skin of a take at its frames (T, V, 3) in metres, by the engine's own stages."""

    def make(take_id, folder, part="skin"):
        take = code("core.take_file").read_take(Path(folder) / f"{take_id}.npz")
        model = code("core.models.model").load_model(Path(stub.folder))
        motion = code("core.motion").at_rate(take.motion, take.face.fps, take.face.frame_count)
        stages = code("core.face.stages")
        vertices = getattr(stages, f"{part}_vertices")
        blocks = vertices(model, motion, take.settings)
        return 0.01 * np.concatenate(list(blocks)).astype(float) @ AXES.T

    return make


def folder_of(obj):
    """Where the file lies that an object plays."""
    return Path(bpy.path.abspath(cache_on(obj).filepath)).parent


def cache_on(obj):
    found = [each for each in obj.modifiers if each.type == "MESH_CACHE"]
    assert len(found) <= 1
    return found[0] if found else None


def seen(obj, frame):
    """Vertices (V, 3) of an object at a frame, evaluated."""
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def assert_plays(obj, result, frames, at=(0, 0.5, 7, 20)):
    """An object shows a take: at its frames, and half way between two."""
    first, last = result.written.first_frame, result.written.last_frame
    step = (last - first) / (len(frames) - 1)
    for index in (*at, len(frames) - 1):
        low, share = int(index // 1), index % 1
        want = frames[low] if not share else frames[low : low + 2].mean(axis=0)
        np.testing.assert_allclose(seen(obj, first + index * step), want, atol=1e-5)
    np.testing.assert_allclose(seen(obj, first - 30), frames[0], atol=1e-6)
    np.testing.assert_allclose(seen(obj, last + 30), frames[-1], atol=1e-6)


@pytest.mark.parametrize(
    ("fps", "base", "rate", "start"),
    [(30, 1.0, None, None), (24, 1.001, None, 11.0), (30, 1.0, "59.94", 7.25), (60, 1.0, 24, -5)],
)
def test_every_frame_is_where_the_stages_put_it(
    scene, animate, face, voice, expected, fps, base, rate, start
):
    scene.render.fps, scene.render.fps_base = fps, base
    result = animate(face, voice, fps=rate, start_frame=start)
    frames = expected(result.take_id, folder_of(face))
    assert np.ptp(frames, axis=0).max() > 2e-3
    assert_plays(face, result, frames)
    assert not curves_of(face.data.shape_keys)  # vertices alone
    assert not any(block.value for block in face.data.shape_keys.key_blocks[1:])


def test_both_has_keys_under_the_modifier(animate, face, voice, expected):
    result = animate(face, voice, output="BOTH")
    assert_plays(face, result, expected(result.take_id, folder_of(face)))
    assert curves_of(face.data.shape_keys)
    cache_on(face).show_viewport = False
    loud = 1 + int(result.face.weights[:, result.face.names.index("jawOpen")].argmax())
    lifted = seen(face, loud) - seen(face, -100)
    assert np.ptp(lifted[:, 2]) < 1e-6 < lifted[0, 2]  # the shape keys alone


def test_a_mesh_without_shape_keys_speaks(animate, code, rest, voice, expected):
    bare = mesh_of("Bare", rest)
    with pytest.raises(code("core.errors").UserError, match="no shape keys"):
        animate(bare, voice, output="SHAPE_KEYS")
    result = animate(bare, voice)
    assert_plays(bare, result, expected(result.take_id, folder_of(bare)))
    again = animate(bare, voice, settings={"lower_face_strength": 1.6})
    assert again.take_id in cache_on(bare).filepath
    assert_plays(bare, again, expected(again.take_id, folder_of(bare)))
    assert len(bpy.data.actions) == 1


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
    scene, code, animate, own_face, voice, scene_state
):
    before = scene_state()
    for output in ("VERTICES", "BOTH"):
        with pytest.raises(
            code("core.errors").UserError, match="'Face' has 36 vertices, but stub moves 180"
        ):
            animate(own_face, voice, output=output)
    with pytest.raises(code("core.errors").UserError, match="no output 'WEIGHTS'"):
        animate(own_face, voice, output="WEIGHTS")
    assert scene_state() == before


@pytest.fixture
def panel(wired, stub, voice, face):
    """A pipeline of the stub model, a player and the face, as the panels have them."""
    wired.pipeline.model, wired.player.voice_path = str(stub.folder), voice
    wired.character.skin = face
    wired.pipeline.output = "VERTICES"
    return wired


def animated():
    assert bpy.ops.facewright.animate() == {"FINISHED"}


def test_the_panel_says_what_does_not_fit(code, panel, own_face):
    reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason
    assert reason(bpy.context) == ""
    panel.pipeline.takes.bake = "NLA"
    assert "strip of the NLA cannot hold vertex animation" in reason(bpy.context)
    panel.pipeline.takes.bake = "REPLACE"
    panel.character.skin = own_face
    assert "'Face' has 36 vertices, but stub moves 180" in reason(bpy.context)
    panel.pipeline.output = "SHAPE_KEYS"
    assert reason(bpy.context) == ""


def test_outputs_can_be_changed_and_changed_back(code, panel, face):
    status = code("operators.take_status")
    own = face.modifiers.new("Mine", "MESH_CACHE")  # an artist's
    own.filepath = "//mine.pc2"
    own.show_viewport = False
    animated()
    assert [each.name for each in face.modifiers] == ["Facewright Vertex Animation", "Mine"]
    assert status.status_of(panel.scene, panel.pipeline) == "Up to date"
    panel.pipeline.output = "SHAPE_KEYS"
    assert status.status_of(panel.scene, panel.pipeline) == "Outdated"
    animated()
    assert [each.name for each in face.modifiers] == ["Mine"]
    assert curves_of(face.data.shape_keys)
    panel.pipeline.output = "BOTH"
    animated()
    face.modifiers[0].name, face.modifiers[0].show_viewport = "renamed", False
    panel.pipeline.lower_face_strength = 1.3
    animated()  # in Both whoever switched it off goes on seeing the shape keys
    assert [each.name for each in face.modifiers] == ["renamed", "Mine"]
    assert not face.modifiers[0].show_viewport
    panel.pipeline.output = "VERTICES"
    animated()
    assert face.modifiers[0].show_viewport and not curves_of(face.data.shape_keys)
    assert own.filepath == "//mine.pc2"


def test_a_lost_file_is_outdated(code, panel, face):
    status = code("operators.take_status")
    animated()
    assert status.status_of(panel.scene, panel.pipeline) == "Up to date"
    Path(bpy.path.abspath(cache_on(face).filepath)).unlink()
    status.changed()
    assert status.status_of(panel.scene, panel.pipeline) == "Outdated"


def test_takes_are_shown_again_with_their_vertices(panel, face, expected):
    panel.pipeline.takes.bake = "NEW"
    made = []
    for output, strength in (("VERTICES", 1.0), ("BOTH", 1.5), ("SHAPE_KEYS", 1.0)):
        panel.pipeline.output, panel.pipeline.lower_face_strength = output, strength
        animated()
        made.append(face.data.shape_keys.animation_data.action)
    assert cache_on(face) is None
    for lead in made[:2]:
        panel.scene.render.fps = 60  # keys stay at their frames, and so do vertices
        assert bpy.ops.facewright.take_activate(take=lead.name) == {"FINISHED"}
        assert lead["facewright_take"] in cache_on(face).filepath
        frames = expected(lead["facewright_take"], folder_of(face))
        label = json.loads(lead["facewright_label"])
        assert label["last_frame"] - label["first_frame"] == pytest.approx(len(frames) - 1)
        for index in (0, 9, len(frames) - 1):
            found = seen(face, label["first_frame"] + index)
            np.testing.assert_allclose(found, frames[index], atol=1e-5)
    assert bool(curves_of(face.data.shape_keys))
    assert bpy.ops.facewright.take_activate(take=made[2].name) == {"FINISHED"}
    assert cache_on(face) is None
    for lead, error in ((made[0], "cannot hold the vertex animation"), (made[1], "")):
        if error:
            with pytest.raises(RuntimeError, match=error):
                bpy.ops.facewright.take_to_nla(take=lead.name)
            continue
        bpy.ops.facewright.take_activate(take=lead.name)
        assert bpy.ops.facewright.take_to_nla(take=lead.name) == {"FINISHED"}
        assert cache_on(face) is None  # a strip plays shape keys


def test_a_take_whose_file_is_gone_is_not_shown(panel, face):
    panel.pipeline.takes.bake = "NEW"
    animated()
    first, path = face.data.shape_keys.animation_data.action, cache_on(face).filepath
    panel.pipeline.lower_face_strength = 1.5
    animated()
    second = cache_on(face).filepath
    Path(bpy.path.abspath(path)).unlink()
    with pytest.raises(RuntimeError, match="vertex animation of this take is gone"):
        bpy.ops.facewright.take_activate(take=first.name)
    assert cache_on(face).filepath == second


def test_a_removed_take_takes_its_files_along(panel, face):
    animated()
    path = Path(bpy.path.abspath(cache_on(face).filepath))
    assert path.is_file()
    copy = face.copy()
    panel.scene.collection.objects.link(copy)
    lead = face.data.shape_keys.animation_data.action
    assert bpy.ops.facewright.take_remove(take=lead.name) == {"FINISHED"}
    assert not path.exists()
    assert cache_on(face) is None and cache_on(copy) is None


def test_restored_settings_have_the_output(panel, face):
    animated()
    panel.pipeline.output = "SHAPE_KEYS"
    lead = face.data.shape_keys.animation_data.action
    assert bpy.ops.facewright.take_restore(take=lead.name) == {"FINISHED"}
    assert panel.pipeline.output == "VERTICES"


def test_a_cancelled_or_failed_animate_leaves_everything(
    code, panel, face, scene_state, monkeypatch
):
    animated()
    cache, before = cache_on(face), scene_state()
    path, folder = cache.filepath, folder_of(face)
    files = sorted(folder.iterdir())
    panel.pipeline.lower_face_strength = 1.5
    chosen, job = code("operators.chosen"), code("operators.animation_job")
    for share in (0.0, 0.7):  # while the worker works, and while keyframes are written
        steps = job.animation_steps(chosen.request_of(panel.scene, panel.pipeline))
        while next(steps).fraction < share:
            pass
        steps.close()
        code("operators.pump").pump()
        assert (cache_on(face).filepath, scene_state()) == (path, before)

    def fail(*_args, **_options):
        raise RuntimeError("the last step")

    monkeypatch.setattr(code("scene.actions"), "put_in_place", fail)
    with pytest.raises(RuntimeError, match="the last step"):
        code("operators.asking").wait_for(
            job.animation_steps(chosen.request_of(panel.scene, panel.pipeline))
        )
    assert (cache_on(face).filepath, scene_state()) == (path, before)
    end = 200
    while sorted(folder.iterdir()) != files and end:
        code("operators.pump").pump()
        end -= 1
    assert sorted(folder.iterdir()) == files


def test_undo_shows_the_take_before(panel, face, expected):
    name = face.name
    bpy.ops.ed.undo_push(message="Set up")
    animated()
    bpy.ops.ed.undo_push(message="Animate")
    first = cache_on(bpy.data.objects[name]).filepath
    panel.scene.facewright.pipelines[0].lower_face_strength = 1.5
    animated()
    bpy.ops.ed.undo_push(message="Animate again")
    assert cache_on(bpy.data.objects[name]).filepath != first
    bpy.ops.ed.undo()
    face = bpy.data.objects[name]
    assert cache_on(face).filepath == first
    take_id = Path(first).name[:32]
    frames = expected(take_id, folder_of(face))
    np.testing.assert_allclose(seen(face, 6), frames[5], atol=1e-5)


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
    animate, face, voice, expected, tmp_path
):
    """Paths are relative, so the folder can move; Save As to another folder keeps them right."""
    home = tmp_path / "Projekt ä"
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "a.blend"), check_existing=False)
    face = bpy.data.objects["Gesicht 顔"]
    result = animate(face, voice)
    assert cache_on(face).filepath.startswith("//facewright_takes")
    frames = expected(result.take_id, home / "facewright_takes")
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


def test_a_preview_is_seen_over_vertex_animation(code, panel, face):
    """What a slider shows goes by shape keys, so the modifier is off until there is a take again;
    a file that is saved meanwhile, and renders, hold the take."""
    animated()
    frames, preview = code("scene.frames"), code("operators.preview").PREVIEW
    character = code("scene.characters").find_character(face)
    track = code("core.face.track").FaceTrack(
        ("jawOpen",), np.ones((1, 1), np.float32), np.eye(4, dtype=np.float32)[None],
        np.zeros((1, 2, 2), np.float32), Fraction(30), 1 / 30,
    )  # fmt: skip
    frames.show_frame(character, track)
    preview._covered = True
    assert not cache_on(face).show_viewport and cache_on(face).show_render
    assert face.data.shape_keys.key_blocks["jawOpen"].value == 1.0
    preview.uncover()
    assert cache_on(face).show_viewport
    look = frames.look_of(character, track)  # a live session
    look.note()
    frames.show_frame(character, track)
    assert not cache_on(face).show_viewport
    frames.give_back(look)
    assert cache_on(face).show_viewport and frames.NOTED not in face
