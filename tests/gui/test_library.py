# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences in a real window: models, terms, a download from a hub of our own, processors."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "worker")]

import driver  # noqa: E402 - its folder must be on the path first

ONLY = "trixie"
import hub_server  # noqa: E402
import stubs  # noqa: E402

KEY = "audio2face-3d-v3.0"
NAME = "Claire, James and Mark (v3.0)"


def script() -> driver.Steps:
    place = Path(tempfile.mkdtemp())
    stubs.make_stub_model(place / "models" / "My Own Face")
    stubs.make_stub_diffusion(place / "models" / "Three People")
    stubs.make_stub_emotion(place / "models" / "Audio2Emotion-v2.2")
    extension = driver.install()
    yield
    library = sys.modules[f"{extension.__name__}.properties.library"]
    processors = sys.modules[f"{extension.__name__}.operators.processors"]
    yield from _open_preferences(extension.__name__)
    driver.shot("library_1_first_day")
    bpy.ops.facewright.model_add(directory=str(place / "models"))
    chosen = library.preferences()
    chosen.active_model = chosen.models.find("Three People")
    yield
    yield
    driver.shot("library_2_terms")
    yield from _look(processors)
    yield from _scroll(12)
    driver.shot("library_3_processors")
    yield from _scroll(12)
    driver.shot("library_4_end")
    yield from _scroll(-60)
    yield from _download(extension.__name__, library, place)
    yield from _terms_dialog(chosen)


def _open_preferences(name: str) -> driver.Steps:
    """The whole window becomes the preferences, with our part opened."""
    area = max(driver.window().screen.areas, key=lambda item: item.width * item.height)
    area.type = "PREFERENCES"
    yield
    with bpy.context.temp_override(window=driver.window(), area=area):
        bpy.ops.screen.screen_full_area()
    yield
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Facewright"
    yield
    bpy.ops.preferences.addon_expand(module=name)
    yield
    driver.area("PREFERENCES").tag_redraw()
    for _ in range(3):
        yield


def _preferences() -> dict[str, Any]:
    view = driver.area("PREFERENCES")
    return {"window": driver.window(), "area": view, "region": driver.region("WINDOW", view)}


def _scroll(steps: int) -> driver.Steps:
    """Turn the wheel over the preferences: down, or up for less than nothing."""
    place = _preferences()["region"]
    x, y = place.x + place.width // 2, place.y + place.height // 3
    driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    kind = "WHEELDOWNMOUSE" if steps > 0 else "WHEELUPMOUSE"
    for _ in range(abs(steps)):
        driver.window().event_simulate(type=kind, value="PRESS", x=x, y=y)
        yield
    yield


def _look(processors: Any) -> driver.Steps:
    with bpy.context.temp_override(**_preferences()):
        bpy.ops.facewright.processors_look()
    assert processors.SEEN.looking
    yield from driver.wait_for("the processors to be tried", lambda: not processors.SEEN.looking)
    assert not processors.SEEN.problem, processors.SEEN.problem
    states = {state.name: state for state in processors.states()}
    assert states["cpu"].usable
    print({name: state.reason for name, state in states.items()}, flush=True)


def _download(name: str, library: Any, place: Path) -> driver.Steps:
    """Begin, cancel, go on: Blender stays free meanwhile, and the model ends in the list."""
    published = sys.modules[f"{name}.core.hub"].published(KEY)
    stubs.make_stub_diffusion(place / "published", skin_vertices=2000)
    for path in (place / "published").glob("*.npz"):
        path.touch()
    server = hub_server.HubServer(place / "published", published.repository)
    os.environ["FACEWRIGHT_HUB"] = server.address
    bpy.context.preferences.system.use_online_access = True
    chosen, state = library.preferences(), library.FETCHING
    chosen.models_folder = str(place / "downloads")
    options = {"key": KEY, "accept": True, "newest": True}
    server.status["listing"] = [503] * 3  # what is tried again takes a while
    with bpy.context.temp_override(**_preferences()):
        bpy.ops.facewright.model_download("EXEC_DEFAULT", **options)
    assert state.running, state.outcome
    yield from _scroll(12)
    driver.shot("library_5_downloading")
    bpy.ops.facewright.fetch_cancel()
    yield from driver.wait_for("the download to stop", lambda: not state.running, 10)
    assert state.ending == "stopped", state.outcome
    yield from _scroll(-60)
    with bpy.context.temp_override(**_preferences()):
        bpy.ops.facewright.model_download("EXEC_DEFAULT", **options)
    yield from driver.wait_for("the download to end", lambda: not state.running)
    assert state.ending == "done", state.outcome
    assert chosen.models.find(NAME) > 0
    assert library.is_accepted(chosen.models[NAME])
    server.stop()
    yield
    yield
    driver.shot("library_6_downloaded")


def _terms_dialog(chosen: Any) -> driver.Steps:
    chosen.active_model = chosen.models.find("Audio2Emotion-v2.2")
    yield
    driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=640, y=420)
    yield
    with bpy.context.temp_override(**_preferences()):
        bpy.ops.facewright.model_licence("INVOKE_DEFAULT")
    for _ in range(3):
        yield
    driver.shot("library_7_terms")
    for value in ("PRESS", "RELEASE"):
        driver.window().event_simulate(type="ESC", value=value, x=640, y=420)
        yield
    yield
    with bpy.context.temp_override(**_preferences()):
        bpy.ops.facewright.model_download("INVOKE_DEFAULT", key="audio2face-3d-v2.3-mark")
    for _ in range(3):
        yield
    driver.shot("library_8_download_dialog")


driver.run(script)
