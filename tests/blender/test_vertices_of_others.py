# SPDX-License-Identifier: GPL-3.0-or-later
"""Other meshes that follow a face whose vertices are animated: wrapped ones, and a character that
speaks live by transfer."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

HEAD = "Facewright Head"


def seen(obj, frame):
    """Vertices (V, 3) of an object at a frame in its own space, evaluated."""
    bpy.context.scene.frame_set(frame)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3).astype(float)


def rest_of(obj):
    keys = obj.data.shape_keys
    places = keys.reference_key.points if keys else obj.data.vertices
    found = np.empty(len(places) * 3, np.float32)
    places.foreach_get("co", found)
    return found.reshape(-1, 3).astype(float)


def playing(obj):
    return [each for each in obj.modifiers if each.type == "MESH_CACHE"]


@pytest.fixture
def animate(code):
    """A second of the voice that comes with the extension."""
    sample = str(code("scene.places").SAMPLE_VOICE)
    voice = code("scene.sounds").VoiceSource("FILE", sample, None, 0.2, 1.2)

    def run(obj, output="VERTICES", **options):
        function = code("operators.animate").animate_object
        return function(bpy.context, obj, voice, output=output, **options)

    return run


def test_a_wrapped_mesh_follows_the_vertices(scene, animate):
    """A mesh of some of the head's own points goes exactly where they go."""
    bpy.ops.facewright.add_head()
    skin = bpy.data.objects[HEAD]
    skin.modifiers["Subdivision"].show_viewport = False
    skin.modifiers["Subdivision"].show_render = False
    chosen = np.arange(0, len(skin.data.vertices), 37)
    mesh = bpy.data.meshes.new("Stickers")
    mesh.from_pydata(rest_of(skin)[chosen].tolist(), [], [])
    stickers = bpy.data.objects.new("Stickers", mesh)
    scene.collection.objects.link(stickers)
    result = animate(skin)
    scene.frame_set(20)  # bound in the midst of a word, and yet at rest
    scene.facewright.wrap.driver = skin
    scene.facewright.wrap.driven.add().object = stickers
    assert bpy.ops.facewright.wrap_begin() == {"FINISHED"}
    moved = 0.0
    for frame in (1, 12, 25, int(result.written.last_frame)):
        where = seen(skin, frame)[chosen]
        np.testing.assert_allclose(seen(stickers, frame), where, atol=2e-5)
        moved = max(moved, np.abs(where - rest_of(stickers)).max())
    assert moved > 2e-3


@pytest.fixture
def live(outset):
    """The sample target follows the template head live."""
    for name in ("lower_denture", "eye_right", "eye_left"):
        setattr(outset, name, None)
    outset.others.clear()
    assert bpy.ops.facewright.begin_fitting() == {"FINISHED"}
    assert bpy.ops.facewright.begin_wrap() == {"FINISHED"}
    return outset


def test_a_live_character_speaks_with_the_full_geometry(code, live, animate):
    driver, fitted, result = live.driver, live.fitted, live.result
    driver.modifiers["Subdivision"].show_viewport = False
    tongue = next(obj for obj in bpy.data.objects if obj.name.endswith("Tongue_result"))
    take = animate(driver, settings={"skin_strength": 1.9, "upper_face_strength": 0.2})
    assert playing(driver) and playing(fitted)
    everywhere = range(1, int(take.written.last_frame) + 1, 3)
    full = {frame: [seen(obj, frame) for obj in (driver, fitted, result)] for frame in everywhere}
    still = seen(tongue, -50)
    assert max(np.abs(seen(tongue, frame) - still).max() for frame in everywhere) > 1e-4
    for obj in (driver, fitted):
        playing(obj)[0].show_viewport = False
    keys = {frame: [seen(obj, frame) for obj in (driver, fitted, result)] for frame in everywhere}
    by_size = sorted(everywhere, key=lambda each: np.abs(full[each][0] - keys[each][0]).max())
    frames = by_size[-2:]
    residuals = np.stack([full[frame][0] - keys[frame][0] for frame in frames])
    assert np.abs(residuals).max() > 3e-4  # what shape keys do not say
    wanted = brought_over(code, live, residuals)
    for frame, more in zip(frames, wanted, strict=True):
        expected = keys[frame][1] + more
        np.testing.assert_allclose(full[frame][1], expected, atol=0.03 * np.abs(more).max())
        moved = np.linalg.norm(full[frame][2] - keys[frame][2], axis=1).max()
        assert 0.3 * np.abs(more).max() < moved  # and the result shows it


def brought_over(code, live, residuals):
    """Residuals (T, V, 3) of the driver on the fitted mesh, by the worker's own transfer: handed in
    as further expressions."""
    meshes, asking = code("scene.retarget_meshes"), code("operators.asking")
    names, moves = meshes.shape_moves(live.driver)
    more = [f"rest {index}" for index in range(len(residuals))]
    given = np.concatenate([moves, residuals])
    mesh = meshes.standing_mesh(live.driver)
    arrays = {
        "driver_points": mesh.points,
        "driver_triangles": mesh.triangles,
        "moves": meshes.moves_to_world(live.driver, given).astype(np.float32),
        "fitted_points": meshes.standing_mesh(live.fitted).points,
    }
    ticket = asking.wait_for(asking.ask("transfer", {"names": [*names, *more]}, arrays))
    return meshes.moves_to_local(live.fitted, ticket.arrays["moves"][len(names) :])


def test_a_mesh_that_was_fitted_anew_does_not_play_the_old_take_nor_any_with_shape_keys(
    code, scene, live, animate
):
    take = animate(live.driver)
    label = code("core.take_label").label_of(bpy.data.actions[take.written.actions[0]])
    module = code("operators.vertex_animation")
    character = code("scene.characters").find_character(live.driver)
    assert module.is_complete(label, scene, character)
    live.fitted.data.shape_keys.reference_key.points[0].co.x += 0.01
    assert not module.is_complete(label, scene, character)
    code("scene.vertex_animation").show_again(label, character)
    assert playing(live.driver) and not playing(live.fitted)
    animate(live.driver)
    assert playing(live.fitted)
    animate(live.driver, "SHAPE_KEYS")
    assert not playing(live.driver) and not playing(live.fitted)
