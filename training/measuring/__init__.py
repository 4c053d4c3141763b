# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is measured by: closures, motion, trials, recognisers beside it, and demands."""
