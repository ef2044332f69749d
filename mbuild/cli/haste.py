"""What lets a short run start and end sooner: no search for what nobody needs."""

from __future__ import annotations

import atexit
import gc
import os
import sys

_ROUND = 50_000
"""Objects made until Python looks for unreachable ones: about as many as all modules have."""


def make_haste() -> None:
    """Spare Python the work that only pays in a process that stays; call it before modules load.

    Python would look for unreachable objects dozens of times while modules load, and once more
    through all of them at the end, when the system takes all memory back anyway. Whoever has
    asked Python for warnings gets that last look: it finds what was left open.
    """
    gc.set_threshold(_ROUND, 20, 20)
    if not sys.warnoptions:
        atexit.register(gc.freeze)
    # Pydantic would read the metadata of all installed packages to find plugins, which could
    # change what a spec means.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
