# SPDX-License-Identifier: GPL-3.0-or-later
"""Facewright: turns a voice into facial animation. Blender calls only the two functions below.

Nothing is imported at module level: core, worker and training load this package without Blender.
"""


def register() -> None:
    from . import registration

    registration.register()


def unregister() -> None:
    from . import registration

    registration.unregister()
