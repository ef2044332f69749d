"""Outcomes for the report's tests."""

from mbuild.errors import Denied, TagRefused
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from mbuild.publish.outcome import Copied, Differences, Outcome, PlatformOutcome, TagOutcome
from mbuild.report.outcomes import outcome_lines

APP = "registry.test/team/app"
INDEX = Descriptor(OCI_INDEX, digest_of(b"index"), 1609)
DOCKER_IMAGE = Descriptor(DOCKER_MANIFEST, digest_of(b"docker"), 500)
DOCKER = Descriptor(DOCKER_LIST, digest_of(b"list"), 700)
OLD = digest_of(b"old")
DENIED = Denied("denied", where=APP, hint="log in")
REFUSED = TagRefused("the tag was refused", where=f"{APP}:1.0")


def image(name: str, size: int = 1210) -> Descriptor:
    """The descriptor of an image."""
    return Descriptor(OCI_MANIFEST, digest_of(name.encode()), size)


def short(digest: Digest) -> str:
    """A digest as it is shown to a person."""
    return str(digest)[:19]


AMD64, ARM64, S390X = image("amd64"), image("arm64"), image("s390x")
PUBLISHED = Outcome(
    target=f"{APP}:1.0",
    image=APP,
    tags=(TagOutcome("1.0", "created"), TagOutcome("latest", "moved", OLD)),
    index=INDEX,
    differences=Differences(
        (
            PlatformOutcome("linux/amd64", f"{APP}:amd64", "added", AMD64),
            PlatformOutcome("linux/arm64", f"{APP}:arm64", "changed", ARM64, OLD),
            PlatformOutcome("linux/s390x", "", "removed", S390X, S390X.digest),
            PlatformOutcome("linux/riscv64", f"{APP}:riscv64", "skipped"),
        )
    ),
    attestations=2,
    referrers=3,
    copied=Copied(2, 3, 41_700_000),
    verified=True,
    warnings=("a warning",),
)
KEPT = Outcome(
    target=f"{APP}:1.0",
    image=APP,
    tags=(TagOutcome("1.0", "kept", INDEX.digest),),
    index=INDEX,
    differences=Differences(
        (PlatformOutcome("linux/amd64", f"{APP}:amd64", "kept", AMD64, AMD64.digest),)
    ),
)
FAILED = Outcome(
    target="registry.test/team/other:1.0",
    image="registry.test/team/other",
    tags=(TagOutcome("1.0", "untouched"),),
    errors=(DENIED,),
)


def lines(outcome: Outcome, *, planned: bool = False) -> list[str]:
    """The report of an outcome."""
    return list(outcome_lines(outcome, planned=planned))
