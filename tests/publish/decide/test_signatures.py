"""Signatures: whether a tag may be written over without one being lost."""

import pytest

from mbuild.oci.manifest import Content
from mbuild.publish.decide.signatures import compare_signatures
from tests.support.artifacts import make_signatures
from tests.support.images import make_image, make_index
from tests.support.values import content_of

IMAGE = make_image()
OTHERS = content_of(make_index(IMAGE))


def signed(*keys: str) -> Content:
    """The signatures of some keys."""
    return content_of(make_signatures(IMAGE, *keys))


@pytest.mark.parametrize(
    ("ours", "held", "expected"),
    [
        (signed("a"), signed("a"), "holds"),
        (signed("a"), signed("a", "b"), "holds"),
        (signed("a", "b"), signed("b", "a"), "holds"),
        (signed("a", "b"), signed("a"), "grows"),
        (signed("a"), signed(), "grows"),
        (signed("a"), signed("b"), "differs"),
        (signed("a", "b"), signed("b", "c"), "differs"),
        (signed("a"), OTHERS, "differs"),
        (OTHERS, signed("a"), "differs"),
    ],
    ids=[
        *("same", "more", "other order", "fewer", "none", "another", "overlap"),
        *("no signatures there", "none to copy"),
    ],
)
def test_compare(ours: Content, held: Content, expected: str) -> None:
    """Layers count as signatures, with their annotations: their bytes are all the same."""
    assert compare_signatures(ours, held) == expected
