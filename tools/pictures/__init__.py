# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for the documentation, rendered with the `bpy` module."""
