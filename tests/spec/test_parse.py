"""The whole way: what it loads, how long it takes, and that it knows no other end."""

import subprocess
import sys
import time

from mbuild.spec.parse import parse_spec
from mbuild.spec.spec import Spec
from tests.spec.reading import read

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x", "linux/riscv64")


def big_spec(images: int) -> str:
    """A spec of many images, four entries each."""
    lines = ["images:"]
    for number in range(images):
        name = f"r.example/team/app{number}:1.4"
        lines += [f"- image: {name}", "  tags: [a, b]", "  platforms:"]
        lines += [f"    {platform}: {name}-{platform[6:]}" for platform in PLATFORMS]
    return "\n".join(lines)


def test_a_large_spec_is_read_in_no_time() -> None:
    """2,000 images with 8,000 entries take about half a second; a slow machine has ten times that."""
    text = big_spec(2000).encode()
    start = time.process_time()
    spec = read(text)
    assert time.process_time() - start < 5
    assert sum(len(target.entries) for target in spec.targets) == 8000


def test_a_spec_of_ten_megabytes() -> None:
    """Nothing grows faster than the file."""
    text = big_spec(2000) + "\n" + f"# {'x' * 998}\n" * 10_000
    assert len(text) > 10_000_000
    assert len(read(text.encode()).targets) == 2000


def test_no_spec_is_an_empty_spec() -> None:
    """No file, no target: what that means is its caller's affair."""
    assert parse_spec([], variables={}) == Spec(())


def test_the_values_load_neither_yaml_nor_pydantic() -> None:
    """They wait until there is a spec to parse, for the sake of `--help`."""
    code = (
        "import sys, mbuild.spec.spec, mbuild.spec.parse, mbuild.spec.make, mbuild.spec.schema;"
        "print([name for name in ('yaml', 'pydantic', 'pydantic_core') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
