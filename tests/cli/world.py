"""The program run inside the test's own process, on layouts below the current folder."""

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from mbuild.cli.app import app
from tests.support.images import Content, make_image, write_layout

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
SPEC = """\
image: oci:dist:1.0
platforms:
  linux/amd64: oci:builds:amd64
  linux/arm64: oci:builds:arm64
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def errors(self) -> list[str]:
        """What was said on stderr, line by line."""
        return self.stderr.splitlines()


def mbuild(*words: str, stdin: bytes = b"") -> Done:
    """Run `mbuild WORDS` in the current folder."""
    result = CliRunner().invoke(app, words, input=stdin)
    return Done(result.exit_code, result.stdout, result.stderr)


def write_builds(folder: Path, **more: Content) -> None:
    """Write the layout of the two builds, and a spec that makes one image of them."""
    write_layout(folder / "builds", {"amd64": AMD64, "arm64": ARM64, **more})
    (folder / "manifests.yaml").write_text(SPEC)
