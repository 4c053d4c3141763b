# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders: what they hold, how they are found, checked and read."""
