"""The command line: options to values, values to the use case, its result to a report."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the program; ends the process with an exit code of `docs/exit-codes.md`.

    SIGTERM is taken as Ctrl-C is, from the first moment on.
    """
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from mbuild.cli.haste import make_haste

        make_haste()
        from mbuild.cli.app import run

        run()
    except KeyboardInterrupt:
        # Before or after a command's own boundary: while modules load, or at the very end.
        sys.stderr.write("error: interrupted; run the same command again\n")
        sys.exit(130)
