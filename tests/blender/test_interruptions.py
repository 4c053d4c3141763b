# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's user does while something runs: undo, redo, another file, deleting, renaming,
other modes, rendering. Nothing is lost and nothing crashes.

Jobs are taken step by step, as a window does. What Animate alone does meanwhile is in
``test_animate``, live mode in ``test_recorder``.
"""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from makers import curves_of, shaped_mesh

OPS = bpy.ops.facewright
NAMES = ("Zoë", "日本 語", 'a "quoted" name')


@pytest.fixture
def cast(wired, own_face, voice, stub):
    """Two pipelines with a player, but one face each; the face of the first is ``Face``."""
    chosen = wired.scene.facewright
    keys = [key.name for key in own_face.data.shape_keys.key_blocks[1:]]
    chosen.add_pipeline("Second", chosen.add_player("Second"))
    chosen.add_character("Second", chosen.pipelines[1], shaped_mesh("Second", keys))
    chosen.characters[0].skin = own_face
    for player, pipeline in zip(chosen.players, chosen.pipelines, strict=True):
        player.voice_path, pipeline.model = voice, str(stub.folder)
    bpy.ops.ed.undo_push(message="two faces")
    return chosen


@pytest.fixture
def jobs(code):
    """The jobs by name, begun for the scene as it is: generators of progress."""

    def animate():
        scene = bpy.context.scene
        request = code("operators.chosen").request_of(scene, scene.facewright.pipelines[0])
        return code("operators.animation_job").animation_steps(request)

    def every():
        module = code("operators.animate_all")
        return module.all_steps(bpy.context.scene, module.Outcome())

    def generate():
        scene, module = bpy.context.scene, code("operators.auto_emotion")
        return module.listening_steps(module.listening_of(scene, scene.facewright.pipelines[0]))

    return {"animate": animate, "all": every, "generate": generate}


def finished(running, limit_s: float = 60.0):
    """Take all steps; returns what they come to."""
    end = time.monotonic() + limit_s
    try:
        while time.monotonic() < end:
            next(running)
            time.sleep(0.002)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the job never ended")


def face(name: str = "Face"):
    return bpy.data.objects[name]


def emotion_keys(code, place: int = 0) -> int:
    return len(code("scene.emotion_curves").key_times(bpy.context.scene, place))


def made(code, job: str) -> bool:
    """Whether a job has written what it should."""
    if job == "generate":
        return emotion_keys(code) > 0
    return bool(face().data.shape_keys.animation_data)


EVERY = pytest.mark.parametrize("job", ["animate", "all", "generate"])


@EVERY
def test_undo_and_redo_meanwhile(code, cast, jobs, job):
    cast.pipelines[0].skin_strength = 0.5
    bpy.ops.ed.undo_push(message="strength")
    running = jobs[job]()
    next(running)
    bpy.ops.ed.undo()
    next(running)
    bpy.ops.ed.redo()
    assert finished(running) is not None
    assert made(code, job)
    assert bpy.context.scene.facewright.pipelines[0].skin_strength == 0.5
    bpy.ops.ed.undo_push(message=job)
    bpy.ops.ed.undo()
    assert not made(code, job), "one step of undo takes it all back"
    bpy.ops.ed.redo()
    assert made(code, job)


@EVERY
def test_another_file_meanwhile(code, cast, jobs, job, scene_state):
    running = jobs[job]()
    next(running)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    before = scene_state()
    with pytest.raises(code("core.errors").Cancelled):
        finished(running)
    assert scene_state() == before


@EVERY
def test_renamed_meanwhile(code, cast, jobs, job):
    running = jobs[job]()
    next(running)
    face().name = NAMES[1]
    cast.pipelines[0].name, cast.players[0].name = NAMES[:2]
    cast.id_data.name = NAMES[2]
    finished(running)
    if job == "generate":
        assert emotion_keys(code) > 0
    else:
        assert curves_of(face(NAMES[1]).data.shape_keys)


@EVERY
def test_a_removed_pipeline_ends_its_job_or_keeps_its_take(code, cast, jobs, job):
    """A take belongs to the face, emotion to the pipeline."""
    running = jobs[job]()
    next(running)
    cast.remove_pipeline(cast.pipelines[0])
    if job == "generate":
        with pytest.raises(code("core.errors").Cancelled, match="the pipeline no longer exists"):
            finished(running)
        assert emotion_keys(code) == 0, "keys of the other pipeline"
    else:
        finished(running)
        assert curves_of(face().data.shape_keys)


def test_one_deleted_face_does_not_keep_the_others_from_their_takes(code, cast, jobs):
    running = jobs["all"]()
    next(running)
    bpy.data.objects.remove(face())
    outcome = finished(running)
    assert [name for name, _result in outcome.results] == ["Second"]
    assert "'Face' no longer exists" in outcome.notices[0]
    assert curves_of(face("Second").data.shape_keys)


@EVERY
@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
def test_another_mode_meanwhile(code, cast, jobs, job, mode):
    bpy.context.view_layer.objects.active = face()
    keys = {key.name: [tuple(p.co) for p in key.data] for key in face().data.shape_keys.key_blocks}
    running = jobs[job]()
    next(running)
    bpy.ops.object.mode_set(mode=mode)
    finished(running)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert made(code, job)
    now = {key.name: [tuple(p.co) for p in key.data] for key in face().data.shape_keys.key_blocks}
    assert now == keys, "shapes were changed"


@EVERY
def test_rendering_meanwhile(code, cast, jobs, job, scene_state, monkeypatch):
    """Waiting and writing are apart: nothing is written as long as the render goes on."""
    module = code("operators.rendering")
    before, busy = scene_state(), [True]
    monkeypatch.setattr(module, "rendering", lambda: busy[0])
    running = jobs[job]()
    for now in itertools.islice(running, 20_000):
        if now.text.endswith(module.WAITING):
            break
        time.sleep(0.002)
    for _ in range(5):
        assert next(running).text.endswith(module.WAITING)
    assert scene_state() == before
    busy[0] = False
    finished(running)
    assert made(code, job)


@pytest.mark.parametrize("name", ["animate", "animate_all", "generate_emotion", "recorder_save"])
def test_what_would_wait_for_a_render_is_grey_meanwhile(code, cast, name, monkeypatch):
    """Whoever waits for the scene keeps the render from coming to its end."""
    modules = {"animate": "animate", "animate_all": "animate_all"}
    modules |= {"generate_emotion": "auto_emotion", "recorder_save": "recorder"}
    module = code(f"operators.{modules[name]}")
    kind = getattr(module, f"FACEWRIGHT_OT_{name}")
    monkeypatch.setattr(module, "rendering", lambda: True)
    assert kind.disabled_reason(bpy.context) == "A render is running"


# ---- the preview -------------------------------------------------------------------------------


@pytest.fixture
def preview(code, cast):
    """The preview of the first pipeline at frame 20: ``want``, ``until`` it is done."""
    module, pump = code("operators.preview"), code("operators.pump")
    bpy.context.scene.frame_set(20)

    def want() -> None:
        scene = bpy.context.scene
        module.PREVIEW.want(scene, scene.facewright.pipelines[0].id)

    def steps(done, limit_s=60.0) -> None:
        end = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < end, "the preview never ended"
            pump.pump()
            time.sleep(0.002)

    task = module.PREVIEW
    found = SimpleNamespace(want=want, steps=steps, task=task, module=module)
    found.asked = lambda: steps(lambda: task._asked is not None)
    found.done = lambda: steps(lambda: not task.running)
    yield found
    task.cancel()


def shown(name: str = "Face") -> np.ndarray:
    """Values of all keys but the basis, which Blender 5.2 shows as 1."""
    return np.array([key.value for key in face(name).data.shape_keys.key_blocks[1:]])


def test_the_preview_survives_undo_and_redo(preview, cast):
    cast.pipelines[0].skin_strength = 1.5
    bpy.ops.ed.undo_push(message="strength")
    preview.want()
    preview.asked()
    bpy.ops.ed.undo()
    preview.done()
    assert shown().max() > 0
    preview.want()
    preview.asked()
    bpy.ops.ed.redo()
    preview.done()
    assert preview.task.problem == ""
    assert shown().max() > 0


def test_the_previews_face_is_deleted(preview, cast):
    preview.want()
    preview.asked()
    bpy.data.objects.remove(face())
    preview.done()
    cast.characters[0].skin = face("Second")
    preview.want()
    preview.done()
    assert shown("Second").max() > 0, "the next face is shown"


def test_the_previews_pipeline_is_removed(preview, cast):
    preview.want()
    preview.asked()
    cast.remove_pipeline(cast.pipelines[0])
    preview.done()
    assert shown().max() == 0 and shown("Second").max() == 0


def test_another_file_ends_the_preview(preview, cast):
    preview.want()
    preview.asked()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    preview.done()
    assert not preview.task.changed and not preview.task.wishes


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_the_preview_waits_until_the_face_is_not_edited(preview, cast, mode, when):
    bpy.context.view_layer.objects.active = face()
    if when == "before":
        bpy.ops.object.mode_set(mode=mode)
        preview.want()
    else:
        preview.want()
        preview.asked()
        bpy.ops.object.mode_set(mode=mode)
    end = time.monotonic() + 1.5
    preview.steps(lambda: time.monotonic() > end)
    assert shown().max() == 0, "the face has moved under the user's hands"
    bpy.ops.object.mode_set(mode="OBJECT")
    preview.done()
    assert shown().max() > 0


def test_the_preview_waits_for_the_render(preview, cast, monkeypatch):
    preview.want()
    preview.asked()
    monkeypatch.setattr(preview.module, "rendering", lambda: True)
    end = time.monotonic() + 1.0
    preview.steps(lambda: time.monotonic() > end)
    assert shown().max() == 0
    monkeypatch.undo()
    preview.done()
    assert shown().max() > 0


def test_a_fault_does_not_end_the_preview_for_good(preview, cast, monkeypatch):
    monkeypatch.setattr(preview.module, "request_of", lambda *_: 1 / 0)
    preview.want()
    preview.done()
    assert "unexpected" in preview.task.problem
    monkeypatch.undo()
    preview.want()
    preview.done()
    assert preview.task.problem == "" and shown().max() > 0


# ---- playing -----------------------------------------------------------------------------------


@pytest.fixture
def plays(playing, player, scene):
    """A player that plays, with the user's preview range 3 to 7."""
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 3, 7
    bpy.ops.ed.undo_push(message="ready")
    playing.start(bpy.context, player)
    return playing


def users_range(scene) -> bool:
    return (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end) == (
        True,
        3,
        7,
    )


def test_the_users_range_survives_undo_and_redo(plays, scene):
    assert not users_range(scene)
    bpy.ops.ed.undo_push(message="playing")
    bpy.ops.ed.undo()  # some Blenders play on, some stop
    plays.stop()
    assert users_range(bpy.context.scene)
    bpy.ops.ed.redo()  # to a step that holds the player's range
    assert users_range(bpy.context.scene)


def test_a_removed_or_renamed_player_ends_well(plays, scene):
    scene.facewright.players[0].name = NAMES[0]
    scene.facewright.players[0].range_end = 2.0
    scene.facewright.remove_pipeline(scene.facewright.pipelines[0])
    scene.frame_set(30)
    plays.stop()
    assert users_range(scene)


def test_a_deleted_scene_ends_well(plays, scene):
    other = bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(scene)
    other.frame_set(500)
    plays._stop_at_end()
    assert plays._now.session is None


def test_disabling_gives_the_users_range_back(plays, scene, extension):
    extension.unregister()
    try:
        assert users_range(scene)
    finally:
        extension.register()


def test_a_render_is_not_stopped_at_the_ranges_end(plays, scene, monkeypatch):
    stopped = []
    monkeypatch.setattr(plays, "stop", lambda: stopped.append(1))
    monkeypatch.setattr(plays, "bpy", _rendering_bpy())
    scene.frame_set(1000)
    plays._stop_at_end()
    assert not stopped


def _rendering_bpy():
    """Blender while it renders, as far as the player asks."""
    app = SimpleNamespace(is_job_running=lambda _kind: True, timers=bpy.app.timers)
    return SimpleNamespace(app=app, data=bpy.data, context=bpy.context, ops=bpy.ops)


# ---- operators that run ------------------------------------------------------------------------


def test_nothing_of_a_running_job_outlives_the_extension(code):
    """Blender forgets the operators of an extension that ends, and asks none to cancel."""
    running, told = code("operators.running"), []
    manager = SimpleNamespace(
        event_timer_remove=lambda timer: told.append(timer),
        progress_end=lambda: told.append("progress"),
    )
    closed = []

    def steps():
        try:
            yield
        finally:
            closed.append(True)

    work = steps()
    next(work)
    running._going["timer"] = work
    running._end(SimpleNamespace(window_manager=manager), "timer")
    assert closed and told == ["timer", "progress"]
    running._end(SimpleNamespace(window_manager=manager), "timer")
    assert told == ["timer", "progress"], "a timer is removed once: Blender crashes the second time"
