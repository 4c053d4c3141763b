# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the network says to geometry and motion: one module per part of the face."""
