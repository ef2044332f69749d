"""Runs one command and prints, as JSON, how long it took and how much memory: a process of its own.

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
    """Run a command to its end; `peak` is in bytes."""
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    output = done.stdout.decode()
    return {"seconds": seconds, "peak": peak, "code": done.returncode, "output": output}


if __name__ == "__main__":
    print(json.dumps(launch(sys.argv[1:])))
