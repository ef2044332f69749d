"""What the tests of the command line ask for."""

from pathlib import Path

import pytest

from tests.cli.world import write_builds


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a spec and the builds it names."""
    write_builds(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
