"""Runs one command and prints, as JSON, what it took: a process of its own.

Linux counts what the starting process held towards a child's peak memory. This one holds next to
nothing, so that the figure is the command's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time


def launch(command: list[str]) -> dict[str, object]:
    """Run a command to its end; `cpu` is in seconds, `peak` in bytes."""
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "code": done.returncode,
        "output": done.stdout.decode(),
    }


if __name__ == "__main__":
    print(json.dumps(launch(sys.argv[1:])))
