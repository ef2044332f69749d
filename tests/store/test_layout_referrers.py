"""Referrers in a layout: as oras, regctl and mbuild write them, and what is broken in them."""

from pathlib import Path

import pytest

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.oci.referrers import referrer_descriptor
from mbuild.store.layout import LayoutStore
from tests.publish.world import remade
from tests.store.world import AMD64, ARM64, INDEX, ask, blob_path, error_of, layout_of, tags_in
from tests.support.artifacts import fallback_tag, list_referrers, make_referrer
from tests.support.images import Content, write_layout
from tests.support.values import content_of

SUBJECT = parse_digest(AMD64.digest)
SBOM, OTHER = (make_referrer(AMD64, text=text) for text in ("SBOM", "other SBOM"))
TAG = fallback_tag(AMD64)
NO_LIST = (
    "the tag is kept for a list of referrers, and holds none: 'manifests' is missing; take the tag "
    "out of index.json, or give it another name"
)


def entry(made: Content) -> Descriptor:
    """A referrer's entry in a list."""
    return referrer_descriptor(content_of(made))


async def listed(layout: LayoutStore) -> tuple[Descriptor, ...]:
    """List the referrers of the image."""
    return await layout.list_referrers(SUBJECT)


async def add(layout: LayoutStore) -> None:
    """Write another referrer."""
    assert await layout.put_referrer(SUBJECT, content_of(OTHER)) is False
    await layout.add_referrers(SUBJECT, (entry(OTHER),))


def put_sbom(directory: Path) -> Path:
    """Write a referrer's manifest, and nothing that leads to it."""
    blob_path(directory, SBOM.digest).write_bytes(SBOM.manifest)
    return directory


def test_by_subject(tmp_path: Path) -> None:
    """What index.json names is a referrer by its subject, as oras has it."""
    directory = layout_of(tmp_path / "l", app=INDEX, sbom=SBOM, another=make_referrer(ARM64))
    assert ask(directory, listed) == (entry(SBOM),)


def test_by_tag(tmp_path: Path) -> None:
    """The tag for referrers names them, as regctl has it."""
    contents: dict[str, Content] = {"app": INDEX, TAG: list_referrers(SBOM)}
    directory = put_sbom(write_layout(tmp_path / "l", contents))
    assert [one.digest for one in ask(directory, listed)] == [parse_digest(SBOM.digest)]


def test_both_ways(tmp_path: Path) -> None:
    """What is found in both ways counts once."""
    contents: dict[str, Content] = {"app": INDEX, TAG: list_referrers(SBOM), "sbom": SBOM}
    directory = write_layout(tmp_path / "l", contents)
    assert len(ask(directory, listed)) == 1


def test_none(tmp_path: Path) -> None:
    """A layout without any, and a folder that is none yet, have no referrers."""
    assert ask(layout_of(tmp_path / "l", app=INDEX), listed) == ()
    assert ask(tmp_path / "absent", listed) == ()


def test_what_is_not_there(tmp_path: Path) -> None:
    """Entries whose files are missing, and such as are no manifests, speak of nothing."""
    misshapen = remade(AMD64, subject=3)
    contents: dict[str, Content] = {
        "app": INDEX,
        TAG: list_referrers(SBOM),
        "sbom": SBOM,
        "bad": misshapen,
    }
    directory = write_layout(tmp_path / "l", contents)
    for gone in (SBOM, list_referrers(SBOM)):
        blob_path(directory, gone.digest).unlink()
    assert ask(directory, listed) == ()


def test_add(tmp_path: Path) -> None:
    """A referrer that is written is named by the tag, beside what it named already."""
    directory = put_sbom(layout_of(tmp_path / "l", **{"app": INDEX, TAG: list_referrers(SBOM)}))
    ask(directory, add)
    assert [one.digest for one in ask(directory, listed)] == [
        parse_digest(SBOM.digest),
        parse_digest(OTHER.digest),
    ]
    assert [tag for tag, _ in tags_in(directory)] == ["app", TAG]


def test_add_twice(tmp_path: Path) -> None:
    """What the tag names already is not written again."""
    directory = tmp_path / "l"
    ask(directory, add)
    before = (directory / "index.json").read_bytes()
    ask(directory, add)
    assert (directory / "index.json").read_bytes() == before
    assert ask(directory, listed) == (entry(OTHER),)


@pytest.mark.parametrize("use", [listed, add], ids=["list", "add"])
def test_tag_is_no_list(tmp_path: Path, use: object) -> None:
    """A tag for referrers that holds something else is told of, and left alone."""
    directory = layout_of(tmp_path / "l", **{TAG: SBOM})
    assert error_of(directory, use) == (  # type: ignore[arg-type]
        "StoreError",
        6,
        f"oci:DIR:{TAG}: {NO_LIST}",
    )
