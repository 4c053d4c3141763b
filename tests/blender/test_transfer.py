# SPDX-License-Identifier: GPL-3.0-or-later
"""A head without shapes learns to speak: the whole way by the buttons, in background."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


def _look(obj):
    """Vertices (V, 3) as they are seen, in the world."""
    graph = bpy.context.evaluated_depsgraph_get()
    seen = obj.evaluated_get(graph)
    mesh = seen.to_mesh()
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    matrix = np.array(seen.matrix_world)
    return found.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def _pose(obj, **weights):
    for block in obj.data.shape_keys.key_blocks[1:]:
        block.value = weights.get(block.name, 0.0)


def _only(transfer, *parts):
    """Less to wait for: the target without what is not named."""
    for name in ("lower_denture", "tongue", "eye_right", "eye_left"):
        if name not in parts:
            setattr(transfer, name, None)
    transfer.others.clear()


def test_the_whole_way(code, scene, outset, tmp_path):
    transfer, state = outset, code("properties.progress").STATE
    target, driver = transfer.target, transfer.driver
    before = _look(target)
    objects = set(bpy.data.objects)
    transfer.iterations = 3

    assert bpy.ops.facewright.begin_fitting() == {"FINISHED"}
    fitted = transfer.fitted
    assert set(bpy.data.objects) - objects == {fitted}
    assert len(fitted.data.vertices) == len(driver.data.vertices)
    assert fitted.name == "Sample Target_fitted"

    assert bpy.ops.facewright.begin_wrap() == {"FINISHED"}
    result = transfer.result
    assert result.name == "Sample Target_result"
    assert target.hide_viewport
    size = np.ptp(before[:, 2])
    assert np.abs(_look(result) - before).max() < 1e-5 * size  # at rest it is the target

    _pose(driver, jawOpen=1.0)
    opened = _look(result) - before
    assert 0.05 * size < np.linalg.norm(opened, axis=1).max() < 0.4 * size
    assert opened[:, 2].min() < -0.05 * size  # the chin goes down
    _pose(driver)
    live = {}
    for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkRight"):
        _pose(driver, **{name: 1.0})
        live[name] = _look(result) - before
    _pose(driver)

    assert bpy.ops.facewright.generate_shapes() == {"FINISHED"}
    assert "52 blend shapes" in state.outcome
    assert not target.hide_viewport
    assert result.hide_viewport
    keys = target.data.shape_keys.key_blocks
    assert {key.name for key in keys[1:]} == set(code("core.naming").ARKIT_NAMES)
    assert np.abs(_look(target) - before).max() < 1e-5 * size
    for name, moves in live.items():  # the shapes are what the live chain shows
        _pose(target, **{name: 1.0})
        got = _look(target) - before
        assert np.linalg.norm(got - moves) < 0.05 * np.linalg.norm(moves), name
    _pose(target)
    tongue = set(transfer.tongue.data.shape_keys.key_blocks.keys())
    assert set(code("core.naming").TONGUE_NAMES) <= tongue
    character = next(one for one in scene.facewright.characters if one.skin == target)
    assert character.tongue == transfer.tongue
    assert character.eye_left == transfer.eye_left
    assert character.pipeline_id == scene.facewright.pipeline.id

    for ending in (".fbx", ".usdc"):
        if ending == ".usdc" and not code("scene.versions").has_usd():
            continue
        path = tmp_path / f"Spréchender Kopf{ending}"
        assert bpy.ops.facewright.export_shapes(filepath=str(path)) == {"FINISHED"}
        assert path.stat().st_size > 100_000

    assert bpy.ops.facewright.delete_setup() == {"FINISHED"}
    assert not scene.facewright.transfers
    left = {obj.name for obj in bpy.data.objects}
    assert not any(name.endswith(("_result", "_fitted", "OpenMouth")) for name in left)
    assert not [group for group in bpy.data.node_groups if group.name.startswith("Facewright")]
    assert len(target.data.shape_keys.key_blocks) == 53


def test_teeth_eyes_and_tongue_follow_the_drivers(code, scene, outset):
    transfer = outset
    _only(transfer, "lower_denture", "eye_left")
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    teeth = bpy.data.objects["Sample Target Lower Teeth_result"]
    eye = bpy.data.objects["Sample Target Eye Left_result"]
    rest = [_look(teeth), _look(eye)]
    jaw = bpy.data.objects["Facewright Head Lower Denture"]
    jaw.rotation_euler.x = 0.3
    bpy.data.objects["Facewright Head Eye Left"].rotation_euler.z = 0.2
    bpy.context.view_layer.update()
    moved = [_look(teeth), _look(eye)]
    for before, after in zip(rest, moved, strict=True):  # rigidly
        first, second = (np.linalg.norm(p - p.mean(axis=0), axis=1) for p in (before, after))
        assert np.allclose(first, second, atol=1e-5)
    assert np.linalg.norm(moved[0] - rest[0], axis=1).max() > 0.003
    middle = rest[1].mean(axis=0)
    assert np.linalg.norm(moved[1].mean(axis=0) - middle) < 0.002  # it turns where it is
    assert np.linalg.norm(moved[1] - rest[1], axis=1).max() > 0.002
    # the head as a whole is the driver's own business
    transfer.driver.location.x += 5.0
    bpy.context.view_layer.update()
    assert np.allclose(_look(teeth), moved[0], atol=1e-4)


def test_the_status_line_names_the_next_step(code, scene):
    status = code("operators.transfer_status")
    bpy.ops.facewright.add_transfer()
    transfer = scene.facewright.transfer
    assert "driver" in status.next_step(transfer)[0]
    bpy.ops.facewright.add_driver()
    assert "target" in status.next_step(transfer)[0]
    bpy.ops.facewright.add_sample_target()
    assert "at least 12" in status.next_step(transfer)[0]
    transfer.open_mouth = transfer.tongue
    assert "another topology" in status.next_step(transfer)[0]
    transfer.target = transfer.driver
    assert "another mesh" in status.next_step(transfer)[0]


def test_a_mesh_edited_since_is_named(code, scene, outset):
    transfer = outset
    mesh = transfer.target.data
    mesh.vertices.add(1)
    mesh.vertices.add(0)
    with pytest.raises(RuntimeError, match="target 'Sample Target' was edited"):
        bpy.ops.facewright.begin_fitting()
    assert transfer.fitted is None


def test_cancel_and_errors_leave_the_scene_as_it_was(code, scene, outset):
    transfer = outset
    _only(transfer, "tongue")
    setup = code("operators.transfer_setup").setup_of(scene, transfer)
    before = [obj.name for obj in bpy.data.objects]
    steps = code("operators.transfer_steps").fit_steps(setup)
    next(steps)
    steps.close()
    assert [obj.name for obj in bpy.data.objects] == before
    bpy.ops.facewright.begin_fitting()
    before = [obj.name for obj in bpy.data.objects]
    setup = code("operators.transfer_setup").setup_of(scene, transfer)
    shapes = code("operators.transfer_shapes").shapes_steps(setup)
    for now in shapes:
        if now.fraction > 0.95:  # in the midst of writing shape keys
            break
    shapes.close()
    assert transfer.target.data.shape_keys is None
    assert transfer.tongue.data.shape_keys is None
    assert [obj.name for obj in bpy.data.objects] == before
    setup = code("operators.transfer_setup").setup_of(scene, transfer)
    wrap = code("operators.transfer_wrap").wrap_steps(setup)
    next(wrap)
    bpy.data.objects.remove(transfer.target)
    with pytest.raises(code("core.errors").Cancelled, match="no longer exists"):
        for _now in wrap:
            pass


def test_a_mesh_that_is_edited_meanwhile_ends_the_job(code, scene, outset):
    setup = code("operators.transfer_setup").setup_of(scene, outset)
    steps = code("operators.transfer_steps").fit_steps(setup)
    next(steps)
    outset.target.data.vertices.add(1)
    with pytest.raises(code("core.errors").Cancelled, match="'Sample Target' was edited"):
        for _now in steps:
            pass
    assert outset.fitted is None


def test_a_wrap_that_fails_half_way_leaves_no_copies(code, scene, outset, monkeypatch):
    _only(outset, "lower_denture")
    bpy.ops.facewright.begin_fitting()
    before = {obj.name for obj in bpy.data.objects}
    wrap = code("operators.transfer_wrap")

    def fail(*_given):
        raise ValueError("no")

    monkeypatch.setattr(wrap, "follow", fail)
    with pytest.raises(RuntimeError):
        bpy.ops.facewright.begin_wrap()
    assert {obj.name for obj in bpy.data.objects} == before
    assert not outset.target.hide_viewport and outset.result is None


def test_what_another_transfer_uses_stays(code, scene, outset):
    opened, driver, name = outset.open_mouth, outset.driver, outset.name
    bpy.ops.facewright.add_transfer()
    other = scene.facewright.transfer
    other.driver, other.open_mouth = driver, opened
    bpy.ops.facewright.delete_setup()
    assert opened.name in bpy.data.objects  # the first one has it yet
    assert [each.name for each in scene.facewright.transfers] == [name]
    bpy.ops.facewright.delete_setup()
    assert not any(code("scene.template_head").OPEN_MOUTH in obj for obj in bpy.data.objects)


def test_a_run_that_fails_leaves_the_users_own_as_it_was(code, scene, outset, tmp_path):
    run, opened, driver = code("operators.transfer_run"), outset.open_mouth, outset.driver
    _pose(driver, jawOpen=0.5)
    before, target = {obj.name for obj in bpy.data.objects}, outset.target
    order = run.Order(target, driver, opened, setup=tmp_path / "none.json")
    with pytest.raises(code("core.errors").UserError, match=r"none\.json"):
        run.run_transfer(scene, order)
    assert {obj.name for obj in bpy.data.objects} == before
    assert driver.data.shape_keys.key_blocks["jawOpen"].value == 0.5
    assert len(scene.facewright.transfers) == 1


def test_eyes_that_a_character_has_are_kept_unless_the_target_has_its_own(code, scene, outset):
    target, own = outset.target, outset.eye_right
    character = scene.facewright.add_character("Own", scene.facewright.pipeline, target)
    character.eye_right = own
    _only(outset)
    bpy.ops.facewright.begin_fitting()
    assert bpy.ops.facewright.generate_shapes() == {"FINISHED"}
    assert character.eye_right == own


def test_a_setup_of_a_turned_and_scaled_target(code, scene, outset):
    """Nothing depends on where the target stands, how large it is, or that it is mirrored."""
    transfer = outset
    _only(transfer, "lower_denture")
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    _pose(transfer.driver, jawOpen=1.0)
    matrix = np.array(transfer.result.matrix_world)
    plain = _look(transfer.result)
    plain = (plain - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    _pose(transfer.driver)
    target = transfer.target
    target.location = (4, -3, 2)
    target.rotation_euler = (0.4, 1.0, -2.0)
    target.scale = (40, 40, 40)
    bpy.context.view_layer.update()
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    _pose(transfer.driver, jawOpen=1.0)
    matrix = np.array(transfer.result.matrix_world)
    assert len(list(code("scene.transfer_meshes").results_of(transfer.id))) == 2  # not twice
    turned = (_look(transfer.result) - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    off = np.linalg.norm(turned - plain, axis=1)
    assert off.max() < 0.01 * np.ptp(plain[:, 2])


def _opened(transfer):
    """How the result's vertices (V, 3) move when the driver opens its mouth."""
    _pose(transfer.driver, jawOpen=0.0)
    rest = _look(transfer.result)
    _pose(transfer.driver, jawOpen=1.0)
    moves = _look(transfer.result) - rest
    _pose(transfer.driver)
    return moves


def test_heads_may_be_moved_at_any_time(scene, outset):
    transfer = outset
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    wanted = _opened(transfer)
    assert np.abs(wanted).max() > 0.01
    teeth = bpy.data.objects["Sample Target Lower Teeth_result"]
    before = [_look(each) for each in (transfer.result, teeth)]
    transfer.result.location.z += 1.0
    bpy.context.view_layer.update()
    for was, each in zip(before, (transfer.result, teeth), strict=True):
        assert np.allclose(_look(each) - was, (0, 0, 1), atol=1e-5)
    assert np.allclose(_opened(transfer), wanted, atol=1e-5)
    bpy.ops.facewright.begin_wrap()  # again, while the first result stands elsewhere
    assert np.allclose(_look(transfer.result), before[0], atol=1e-5)
    assert np.allclose(_opened(transfer), wanted, atol=1e-5)
    transfer.target.location.x += 2.0  # after it was fitted
    bpy.context.view_layer.update()
    bpy.ops.facewright.begin_wrap()
    assert np.allclose(_look(transfer.result) - before[0], (2, 0, 0), atol=1e-5)
    assert np.allclose(_opened(transfer), wanted, atol=1e-5)


def test_a_wrap_that_is_ended_leaves_the_one_before(code, scene, outset):
    transfer = outset
    bpy.ops.facewright.begin_fitting()
    for before in (False, True):
        if before:
            bpy.ops.facewright.begin_wrap()
        names = sorted(obj.name for obj in bpy.data.objects)
        groups = len(bpy.data.node_groups)
        setup = code("operators.transfer_setup").setup_of(scene, transfer)
        steps = code("operators.transfer_wrap").wrap_steps(setup)
        for now in steps:
            if now.fraction == 1.0 and len(bpy.data.objects) > len(names) + 2:
                break
        steps.close()
        assert sorted(obj.name for obj in bpy.data.objects) == names
        assert len(bpy.data.node_groups) == groups
        assert transfer.target.hide_viewport == before
    assert np.abs(_opened(transfer)).max() > 0.01


def test_what_was_made_and_deleted_leaves_nothing_in_a_file(scene, outset, tmp_path):
    """Blender reports what has no owner, and a script stops there."""
    before = len(bpy.data.shape_keys)
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    bpy.ops.facewright.delete_setup()
    assert len(bpy.data.shape_keys) == before
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "after.blend"))


def test_a_result_brings_its_driver_into_another_file(scene, outset, tmp_path):
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    path = str(tmp_path / "Charaktere.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(path) as (_there, wanted):
        wanted.objects = ["Sample Target_result"]
    result = wanted.objects[0]
    bpy.context.collection.objects.link(result)
    rest = _look(result)
    _pose(bpy.data.objects["Facewright Head"], jawOpen=1.0)
    assert np.abs(_look(result) - rest).max() > 0.01


def test_two_transfers_share_a_driver(scene, outset):
    first = outset.id
    driver, opened = outset.driver, outset.open_mouth
    bpy.context.view_layer.objects.active = driver
    driver.select_set(True)
    bpy.ops.facewright.add_transfer()
    second = scene.facewright.transfer
    assert second.target is None  # the driver is no target
    second.driver, second.open_mouth = driver, opened
    bpy.ops.facewright.delete_setup()
    assert [each.id for each in scene.facewright.transfers] == [first]
    assert scene.facewright.transfer.open_mouth is not None


def test_a_copied_scene_has_a_transfer_of_its_own(code, scene, outset):
    bpy.ops.facewright.begin_fitting()
    bpy.ops.facewright.begin_wrap()
    bpy.ops.scene.new(type="FULL_COPY")
    copy = bpy.context.scene
    code("operators.scene_watch").look_again()
    bpy.ops.facewright.begin_wrap()
    assert len([obj for obj in copy.objects if "_result" in obj.name]) == 7
    bpy.ops.facewright.delete_setup()
    assert not [obj for obj in copy.objects if "_result" in obj.name or "_fitted" in obj.name]
    kept = [obj.name for obj in scene.objects if "_result" in obj.name]
    assert len(kept) == 7
    assert scene.facewright.transfer.fitted is not None


def test_a_mesh_is_one_part_only(code, scene, outset):
    status, transfer = code("operators.transfer_status"), outset
    assert not status.meshes_problem(transfer)
    transfer.tongue = transfer.lower_denture
    assert "chosen twice" in status.meshes_problem(transfer)
