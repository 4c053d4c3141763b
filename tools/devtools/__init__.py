# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of tools/dev.py. Standard library only; every file parses on Python 3.8."""
