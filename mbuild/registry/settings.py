"""What a run says of how to talk to registries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mbuild import __version__


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The registry options of one run; nothing else is read from outside.

    `jobs` bounds the requests under way per host, `attempts` the tries of one request,
    `deadline` the whole run in seconds. `plain_http` holds `HOST[:PORT]`, `ca_file` and
    `authfile` are paths, empty where not given.
    """

    jobs: int = 32
    attempts: int = 6
    deadline: float | None = None
    plain_http: frozenset[str] = frozenset()
    ca_file: str = ""
    authfile: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = f"mbuild/{__version__}"
