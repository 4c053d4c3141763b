# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the network says to the face, stage by stage."""
