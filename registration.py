# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender is told about, in order. One literal list; undone in the opposite order."""

from __future__ import annotations

import logging
from types import ModuleType

log = logging.getLogger(__name__)


def _modules() -> tuple[ModuleType, ...]:
    """Each has ``register()`` and ``unregister()``; property groups come before their users."""
    from . import preferences, translations
    from .operators import (
        animate,
        animate_all,
        attached_meshes,
        auto_emotion,
        batch,
        batch_save,
        command,
        conversion_files,
        conversion_live,
        conversion_poses,
        conversion_setup,
        correspondence_end,
        correspondence_files,
        correspondence_mode,
        drop_voice,
        emotion_row,
        export_shapes,
        fetching,
        head,
        hearing,
        listening,
        live,
        overrides,
        playing,
        preview,
        processors,
        pump,
        running,
        scene_watch,
        settings,
        strip_view,
        take_status,
        terms,
        track_change,
        transfer_jobs,
        vertex_files,
        voices,
        weights_gains,
        weights_import,
        worker_host,
    )
    from .operators import caches as cache_buttons
    from .operators import conversion as conversion_buttons
    from .operators import correspondences as pair_buttons
    from .operators import emotion as emotion_buttons
    from .operators import instances as instance_buttons
    from .operators import library as library_buttons
    from .operators import player as player_buttons
    from .operators import presets as preset_buttons
    from .operators import recorder as recorder_buttons
    from .operators import strip as strip_events
    from .operators import takes as take_buttons
    from .operators import transfer as transfer_buttons
    from .operators import weights as weight_buttons
    from .operators import wrap as wrap_buttons
    from .panels import attached_meshes as attached_meshes_panel
    from .panels import auto_emotion as auto_emotion_panel
    from .panels import batch as batch_panel
    from .panels import caches as cache_panel
    from .panels import conversion as conversion_panels
    from .panels import correspondences as pair_panel
    from .panels import correspondences_overlay as pair_drawing
    from .panels import emotion as emotion_panel
    from .panels import exports as export_panel
    from .panels import face as face_panel
    from .panels import head_motion as head_motion_panel
    from .panels import library as library_panel
    from .panels import network as network_panel
    from .panels import parameters as parameter_panels
    from .panels import player as player_panel
    from .panels import presets as preset_menu
    from .panels import recorder as recorder_panel
    from .panels import strip as strip_drawing
    from .panels import takes as take_panel
    from .panels import transfer as transfer_panels
    from .panels import weights as weight_panel
    from .panels import wrap as wrap_panel
    from .properties import batch as batch_properties
    from .properties import (
        caches,
        changes,
        character,
        conversion,
        correspondences,
        emotion,
        exports,
        instances,
        library,
        microphones,
        pipeline,
        player,
        poses,
        progress,
        recorder,
        take,
        transfer,
        weights,
        wrap,
    )

    return (
        translations,
        library,
        preferences,
        progress,
        changes,
        microphones,
        recorder,
        player,
        character,
        emotion,
        take,
        pipeline,
        correspondences,
        transfer,
        wrap,
        exports,
        weights,
        caches,
        batch_properties,
        poses,
        conversion,
        instances,
        worker_host,
        pump,
        running,
        voices,
        hearing,
        playing,
        emotion_row,
        strip_view,
        player_buttons,
        strip_events,
        animate,
        listening,
        recorder_buttons,
        live,
        animate_all,
        emotion_buttons,
        auto_emotion,
        track_change,
        preview,
        head,
        overrides,
        instance_buttons,
        attached_meshes,
        transfer_buttons,
        wrap_buttons,
        transfer_jobs,
        export_shapes,
        weight_buttons,
        weights_gains,
        weights_import,
        cache_buttons,
        batch,
        batch_save,
        drop_voice,
        scene_watch,
        settings,
        take_buttons,
        take_status,
        vertex_files,
        preset_buttons,
        command,
        fetching,
        terms,
        library_buttons,
        processors,
        correspondence_end,
        pair_buttons,
        correspondence_files,
        correspondence_mode,
        conversion_live,
        conversion_buttons,
        conversion_setup,
        conversion_poses,
        conversion_files,
        face_panel,
        attached_meshes_panel,
        player_panel,
        recorder_panel,
        strip_drawing,
        emotion_panel,
        auto_emotion_panel,
        parameter_panels,
        network_panel,
        head_motion_panel,
        preset_menu,
        take_panel,
        transfer_panels,
        pair_panel,
        pair_drawing,
        wrap_panel,
        export_panel,
        weight_panel,
        cache_panel,
        batch_panel,
        conversion_panels,
        library_panel,
    )


def register() -> None:
    """Register everything, or nothing if one part fails."""
    done: list[ModuleType] = []
    try:
        for module in _modules():
            module.register()
            done.append(module)
    except Exception:
        _unregister(done)
        raise


def unregister() -> None:
    _unregister(list(_modules()))


def _unregister(modules: list[ModuleType]) -> None:
    """Undo in reverse; a part that fails is logged and does not keep the others from it."""
    for module in reversed(modules):
        try:
            module.unregister()
        except Exception:
            log.exception("Facewright could not unregister %s", module.__name__)
