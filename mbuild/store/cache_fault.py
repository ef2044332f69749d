"""Why the cache's file cannot be used, and whether the file itself is to blame."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from mbuild.errors import one_line

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_OUTSIDE = _BUSY | {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_AUTH,
}  # fmt: skip
"""What comes from outside the file. Any other fault is the file's own, as no statement is wrong."""


class CacheFault(Exception):
    """The file cannot be used now; says why. `is_busy`: another process holds it."""

    def __init__(self, reason: str, *, is_busy: bool = False, is_broken: bool = False) -> None:
        super().__init__(reason)
        self.reason = one_line(reason)
        self.is_busy = is_busy
        self.is_broken = is_broken


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what sqlite and the disk raise into a CacheFault: the one place that knows them."""
    try:
        yield
    except sqlite3.Error as error:
        # Without a code it is Python that complains, and the file is not to blame.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_INTERRUPT) & 0xFF
        raise CacheFault(
            str(error), is_busy=code in _BUSY, is_broken=code not in _OUTSIDE
        ) from error
    except UnicodeDecodeError as error:  # in what sqlite says of a file that is broken
        raise CacheFault("it is malformed", is_broken=True) from error
    except OSError as error:
        raise CacheFault((error.strerror or str(error)).lower()) from error
