# SPDX-License-Identifier: GPL-3.0-or-later
"""Players, pipelines and characters: added, linked, copied, loaded and put in order."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import bpy
import pytest
from layouts import Layout
from makers import shaped_mesh


def ids_of(scene):
    chosen = scene.facewright
    return [item.id for items in (chosen.players, chosen.pipelines, chosen.characters)
            for item in items]  # fmt: skip


def links_of(scene):
    """Links by name, so that they can be compared across copies."""
    chosen = scene.facewright
    return [
        (pipeline.name, getattr(chosen.player_of(pipeline), "name", None),
         [character.name for character in chosen.characters_of(pipeline)])
        for pipeline in chosen.pipelines
    ]  # fmt: skip


def settle():
    """Let Blender bring the scene up to date, as a window does by itself."""
    bpy.context.scene.update_tag()
    bpy.context.view_layer.update()


def nothing_shared():
    local = [scene for scene in bpy.data.scenes if scene.library is None]
    every = [item_id for scene in local for item_id in ids_of(scene)]
    assert all(every) and len(every) == len(set(every))


@pytest.fixture
def two(scene):
    """Two pipelines with two players; the first drives two characters."""
    chosen = scene.facewright
    for name in ("Ann", "Bob"):
        pipeline = chosen.add_pipeline(name, chosen.add_player(f"{name}'s voice"))
        chosen.add_character(name, pipeline, shaped_mesh(name, ["jawOpen"]))
    chosen.add_character("Twin", chosen.pipelines[0])
    return chosen


@pytest.fixture
def saved(two, tmp_path):
    path = str(tmp_path / "two.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False, copy=True)
    return path


# ---- template heads ----------------------------------------------------------------------------


def world_box(obj):
    points = [obj.matrix_world @ vertex.co for vertex in obj.data.vertices]
    return [(min(p[axis] for p in points), max(p[axis] for p in points)) for axis in range(3)]


def test_template_heads_stand_side_by_side(scene):
    scene.cursor.location = (1, 2, 3)
    for _ in range(3):
        assert bpy.ops.facewright.add_head() == {"FINISHED"}
    bpy.context.view_layer.update()
    skins = [character.skin for character in scene.facewright.characters]
    assert tuple(skins[0].location) == (1, 2, 3)
    boxes = sorted(world_box(skin)[0] for skin in skins)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(boxes))
    scene.cursor.location = (1, 2, 9)
    bpy.ops.facewright.add_pipeline(character="HEAD")
    assert tuple(scene.facewright.characters[-1].skin.location) == (1, 2, 9)
    skins[1].location.x = 5  # its place is free again
    scene.cursor.location = (1, 2, 3)
    bpy.ops.facewright.add_head()
    assert scene.facewright.characters[-1].skin.location.x == pytest.approx(1.25)


def test_a_new_pipeline_comes_ready_wired(scene):
    assert bpy.ops.facewright.add_pipeline(character="HEAD") == {"FINISHED"}
    chosen = scene.facewright
    (pipeline,), (player,), (character,) = chosen.pipelines, chosen.players, chosen.characters
    assert (pipeline.player_id, character.pipeline_id) == (player.id, pipeline.id)
    assert chosen.pipeline == pipeline and chosen.version == 1


def test_head_player_and_core_are_added_one_by_one(scene, code):
    shown: list[str] = []
    code("panels.face").FACEWRIGHT_MT_add.draw(SimpleNamespace(layout=Layout(shown)), bpy.context)
    assert {
        "New Pipeline with Template Head",
        "Add Template Head",
        "New Player",
        "New Core",
    } <= set(shown)
    chosen = scene.facewright
    bpy.ops.facewright.add_pipeline(character="HEAD")
    first = chosen.pipelines[0].id
    parts = {obj.get("facewright_part") for obj in chosen.characters[0].skin.children_recursive}
    assert {"tongue", "lower_denture", "eye_left", "eye_right"} <= parts
    assert bpy.ops.facewright.add_core() == {"FINISHED"}
    core = chosen.pipeline
    assert core.id != first and not chosen.characters_of(core) and chosen.player_of(core) is None
    assert bpy.ops.facewright.add_player() == {"FINISHED"}
    assert chosen.player_of(core) == chosen.players[1]
    assert bpy.ops.facewright.add_head() == {"FINISHED"}
    assert chosen.characters_of(core) == [chosen.characters[1]]
    core.player = chosen.players[0].id  # one voice for two cores
    assert len(chosen.pipelines_of(chosen.players[0])) == 2


# ---- links and names ---------------------------------------------------------------------------


def test_a_character_that_nothing_drives_can_be_linked_again(two, code):
    def shown() -> list[str]:
        texts: list[str] = []
        draw = code("panels.face").FACEWRIGHT_PT_face.draw
        draw(SimpleNamespace(layout=Layout(texts)), bpy.context)
        return texts

    two.characters[0].pipeline = "NONE"
    assert two.loose_characters == [two.characters[0]]
    assert two.characters[0].name in shown()
    two.characters[0].pipeline = two.pipelines[1].id
    assert not two.loose_characters and two.characters[0] in two.characters_of(two.pipelines[1])


def test_links_are_changed_and_undone_by_the_drop_downs(two):
    ann, bob = two.pipelines
    assert ann.player == two.players[0].id
    ann.player = two.players[1].id
    assert two.player_of(ann) == two.players[1] and two.pipelines_of(two.players[1]) == [ann, bob]
    ann.player = "NONE"
    assert two.player_of(ann) is None and ann.player_id == ""
    two.characters[0].pipeline = bob.id
    assert [each.name for each in two.characters_of(bob)] == ["Ann", "Bob"]
    two.characters[0].pipeline = "NONE"
    assert two.characters[0].pipeline_id == ""


def test_names_stay_unique_however_they_are_changed(two):
    for items, usual in (
        (two.pipelines, "Core"), (two.players, "Player"), (two.characters, "Character")
    ):  # fmt: skip
        items[1].name = items[0].name
        assert items[1].name == f"{items[0].name} 2"
        items[1].name = "  "
        assert items[1].name == usual
        items[0].name = usual
        assert items[0].name == f"{usual} 2"
        assert items.get(usual) == items[1]
    two.pipelines[0].name = "Größe 😀"
    assert two.pipelines[0].name == "Größe 😀"


def test_duplicates_have_settings_and_ids_of_their_own(two):
    two.pipelines[0].skin_strength, two.players[0].voice_path = 1.5, "/a.wav"
    two.active_pipeline = 0
    assert bpy.ops.facewright.duplicate_pipeline() == {"FINISHED"}
    copy = two.pipelines[-1]
    assert two.pipeline == copy and copy.name == "Ann 2" and copy.skin_strength == 1.5
    assert two.player_of(copy).voice_path == "/a.wav" and not two.characters_of(copy)
    copy.skin_strength = 0.5
    assert two.pipelines[0].skin_strength == 1.5
    nothing_shared()


def test_removing_takes_what_nobody_else_needs(two):
    two.pipelines[1].player_id = two.players[0].id
    two.active_pipeline = 0
    assert bpy.ops.facewright.remove_pipeline() == {"FINISHED"}
    assert [player.name for player in two.players] == ["Ann's voice", "Bob's voice"]
    assert [character.name for character in two.characters] == ["Bob"]
    assert bpy.data.objects["Ann"]
    assert bpy.ops.facewright.remove_pipeline() == {"FINISHED"}
    assert two.pipeline is None and [player.name for player in two.players] == ["Bob's voice"]


# ---- ids are never shared ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["FULL_COPY", "LINK_COPY"])
def test_a_copied_scene_gets_ids_of_its_own(scene, two, kind):
    bpy.context.view_layer.update()
    before, links = ids_of(scene), links_of(scene)
    bpy.ops.scene.new(type=kind)
    copy = bpy.context.scene
    copy.name = "A, before the other in every list"
    settle()
    assert copy != scene and len(ids_of(copy)) == 7
    nothing_shared()
    assert ids_of(scene) == before  # takes and strips know the first one by these
    assert links_of(scene) == links_of(copy) == links
    assert [each.player for each in copy.facewright.pipelines] == [
        player.id for player in copy.facewright.players
    ]


def test_undo_and_redo_share_no_ids(scene, two):
    bpy.ops.ed.undo_push(message="two")
    bpy.ops.scene.new(type="FULL_COPY")
    bpy.ops.ed.undo_push(message="copied")
    settle()
    nothing_shared()
    bpy.ops.ed.undo_push(message="more")
    for _ in range(2):
        bpy.ops.ed.undo()
        settle()
        nothing_shared()
    for _ in range(2):
        bpy.ops.ed.redo()
        settle()
        nothing_shared()
    assert len(bpy.data.scenes) == 2
    assert links_of(bpy.data.scenes[0]) == links_of(bpy.data.scenes[1])


def test_scenes_appended_twice_share_nothing(saved, scene, two):
    links = links_of(scene)
    for _ in range(2):
        with bpy.data.libraries.load(saved) as (source, target):
            target.scenes = list(source.scenes)
        settle()
    scenes = list(bpy.data.scenes)
    assert len(scenes) == 3
    nothing_shared()
    assert [links_of(each) for each in scenes] == [links] * 3
    skins = {each.facewright.characters[0].skin for each in scenes}
    assert len(skins) == 3 and None not in skins


def test_a_linked_scene_is_left_alone_and_said_to_be_linked(code, saved, scene, two, panels):
    with bpy.data.libraries.load(saved, link=True) as (source, target):
        target.scenes = list(source.scenes)
    settle()
    linked = next(each for each in bpy.data.scenes if each.library)
    assert ids_of(linked) == ids_of(scene)  # as its own file has them
    problem = code("operators.chosen").pipeline_problem
    said = "This scene is linked from another file"
    assert problem(linked, linked.facewright.pipelines[0]) == said
    with bpy.context.temp_override(scene=linked):
        for name in ("add_pipeline", "add_head", "add_core", "add_player", "duplicate_pipeline",
                     "remove_pipeline", "animate"):  # fmt: skip
            assert not getattr(bpy.ops.facewright, name).poll()
        panels()
    assert ids_of(linked) == ids_of(scene)


@pytest.fixture
def panels(code):
    """Draw all panels of the sidebar for the context's scene."""
    subject = [code("panels.face").FACEWRIGHT_PT_face]
    subject.append(code("panels.attached_meshes").FACEWRIGHT_PT_attached_meshes)

    def draw():
        for panel in subject:
            panel.draw(SimpleNamespace(layout=Layout([])), bpy.context)

    return draw


def test_looking_for_new_scenes_costs_next_to_nothing(code, two, report):
    look = code("operators.scene_watch").look_again
    for number in range(10):
        bpy.data.scenes.new(f"Scene {number}")
    look()
    spent = []
    for _ in range(50):
        began = time.perf_counter()
        look()
        spent.append(time.perf_counter() - began)
    report(f"look at 11 scenes: {min(spent) * 1e6:.1f} microseconds")
    assert min(spent) < 1e-4


# ---- loading -----------------------------------------------------------------------------------


def test_everything_is_there_after_loading(saved, two, scene):
    ids, links = ids_of(scene), links_of(scene)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=saved)
    loaded = bpy.context.scene
    assert ids_of(loaded) == ids and links_of(loaded) == links
    assert loaded.facewright.characters[0].skin == bpy.data.objects["Ann"]


def test_a_hostile_file_is_put_in_order(code, two, tmp_path):
    most = code("properties.migrations").MOST
    for _ in range(400):
        two.players.add().name = "x"
        two.characters[0].others.add()
    two.active_pipeline = 99
    two.pipelines[0].player_id = two.characters[1].pipeline_id = "gone"
    two.pipelines[1].id = two.pipelines[0].id
    two.characters[0].active_other = -7
    path = str(tmp_path / "hostile.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    chosen = bpy.context.scene.facewright
    assert len(chosen.players) == most and len(chosen.characters[0].others) == most
    assert chosen.active_pipeline == 1 and chosen.pipeline == chosen.pipelines[1]
    assert chosen.pipelines[0].player_id == "" and chosen.characters[1].pipeline_id == ""
    assert chosen.characters[0].active_other == 0
    nothing_shared()
    assert chosen.pipelines[1].player_id == chosen.players[1].id  # a good link stays


@pytest.mark.skipif(bpy.app.version >= (5, 0), reason="only older Blenders let us write these")
def test_impossible_values_of_a_file_are_set_back(code, two, tmp_path, panels):
    """Blender loads numbers and choices without looking at their limits."""
    two.pipelines[1].skin_strength, two.players[1].volume = 1.5, 0.5
    pipeline, player = two.pipelines[0], two.players[0]
    pipeline["own_skin_strength"], pipeline["detect_emotion"] = float("nan"), 99
    pipeline["preferred"] = [float("inf")] + [0.0] * 9
    pipeline.emotion["joy"] = 1e30
    player["voice_source"], player["range_start"], player["channel"] = 77, float("nan"), -5
    player.recorder["rate"] = 12345
    two["burst"] = 55
    path = str(tmp_path / "hostile.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    chosen = bpy.context.scene.facewright
    pipeline, player = chosen.pipelines[0], chosen.players[0]
    assert (pipeline.skin_strength, pipeline.emotion.joy, sum(pipeline.preferred)) == (1.0, 0, 0)
    assert (player.voice_source, player.range_start, player.channel) == ("FILE", 0.0, 0)
    assert pipeline.detect_emotion and player.recorder.rate and chosen.burst == "DEFAULT"
    assert (chosen.pipelines[1].skin_strength, chosen.players[1].volume) == (1.5, 0.5)
    code("operators.chosen").options_of(pipeline, player)
    panels()


def test_migrations_lead_step_by_step_to_this_version(code, two, scene, monkeypatch):
    migrations = code("properties.migrations")
    steps = []
    monkeypatch.setattr(migrations, "VERSION", 3)
    monkeypatch.setattr(
        migrations, "MIGRATIONS", {1: lambda _one: steps.append(1), 2: lambda _one: steps.append(2)}
    )
    migrations.migrate([scene])
    assert steps == [1, 2] and two.version == 3
    migrations.migrate([scene])
    assert steps == [1, 2]
    two.version = 9  # from a newer Facewright
    migrations.migrate([scene])
    assert two.version == 9 and len(two.pipelines) == 2


# ---- what vanishes meanwhile -------------------------------------------------------------------


def test_a_deleted_or_changed_face_greys_the_button_and_crashes_nothing(two, panels, code):
    reason = code("operators.animate").FACEWRIGHT_OT_animate.disabled_reason
    two.active_pipeline = 1
    two.players[1].voice_source = "SAMPLE"
    assert reason(bpy.context) == ""
    face = bpy.data.objects["Bob"]
    face.name = "Robert"
    assert reason(bpy.context) == ""
    face.data = bpy.data.meshes.new("New")
    assert "'Robert' has no shape keys" in reason(bpy.context)
    panels()
    bpy.data.objects.remove(face)
    assert "No face is chosen" in reason(bpy.context)
    panels()
    with pytest.raises(RuntimeError, match="No face is chosen"):
        bpy.ops.facewright.animate.poll() or bpy.ops.facewright.animate("EXEC_DEFAULT")


def overridden(path, tmp_name="Linked"):
    with bpy.data.libraries.load(path, link=True) as (_source, target):
        target.objects = [tmp_name]
    obj = target.objects[0]
    bpy.context.scene.collection.objects.link(obj)
    return obj


def test_linked_characters_say_so_and_overrides_are_animated(code, tmp_path, make_track):
    path = str(tmp_path / "library.blend")
    shaped_mesh("Linked", ["jawOpen"])
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    linked = overridden(path)
    find = code("scene.characters").find_character
    with pytest.raises(code("core.errors").UserError, match="library override"):
        find(linked)
    own = linked.override_create(remap_local_usages=True)
    with pytest.raises(code("core.errors").UserError, match="override of its mesh"):
        find(own)  # the object alone is of no use, its keys are still the library's
    own.data.override_create(remap_local_usages=True)
    assert own.data.shape_keys.is_editable
    track, scene, actions = make_track(5, 30), bpy.context.scene, code("scene.actions")
    scene.render.fps = 30
    actions.write_take(find(own), track, scene, 1, actions.TakeLabel("one"))
    scene.frame_set(3)
    key = own.data.shape_keys.key_blocks["jawOpen"]
    assert key.value == pytest.approx(track.weights[2, track.names.index("jawOpen")], abs=1e-6)
