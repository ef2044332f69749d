"""A store in memory: it logs every call, and faults scripted by a test come before the answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mbuild.errors import IntegrityError, NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, digest_of, parse_digest
from mbuild.oci.index import Index, parse_index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.referrers import referrer_descriptor, referrers_tag, subject_of
from mbuild.registry.source import OpenSource
from tests.support import images

FOR_EVER = 1_000_000
PASS: Final = object()


@dataclass(eq=False)
class Gate:
    """Holds calls back: `reached` tells that one has come, `open` lets them go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self) -> None:
        """Tell that a call is here, and wait."""
        self.reached.set()
        await self.open.wait()


@dataclass(eq=False)
class StoreFault:
    """Meets calls of one method, of one tag or digest unless empty: the first `times` of them.

    They wait at the gate, then `act` is called (what somebody else does meanwhile), then they
    fail with `error`, or answer with `gives`. The first `after` of them are left alone.
    """

    call: str
    subject: str = ""
    error: Exception | None = None
    gives: Any = PASS
    gate: Gate | None = None
    times: int = FOR_EVER
    after: int = 0
    act: Callable[[], object] | None = None

    def meets(self, call: str, subject: str) -> bool:
        """Tell whether the fault is about this call, and count it."""
        if self.times < 1 or call != self.call or self.subject not in {"", subject}:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        self.times -= 1
        return True


class MemoryStore:
    """A repository in memory; stores of one place mount from each other by `neighbours`.

    `log` may be shared by several stores: `call name subject` of each call, in order.
    """

    def __init__(
        self,
        name: str = "registry.test/team/app",
        *faults: StoreFault,
        log: list[str] | None = None,
        neighbours: "Mapping[str, MemoryStore] | None" = None,
    ) -> None:
        self.faults = list(faults)
        self.log: list[str] = [] if log is None else log
        self.manifests: dict[str, Content] = {}
        self.tags: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.known: set[str] = set()
        self.takes_tags: bool | None = False
        self.deletes_tags = False
        self.lists_subjects = True
        self._seen: set[Digest] = set()
        self._name = name
        self._neighbours = {} if neighbours is None else neighbours

    def forget(self) -> None:
        """Forget what was seen here, as at the beginning of a run."""
        self._seen.clear()

    def put(self, tag: str, content: images.Content) -> str:
        """Put an image or index and all below it straight into the store; give its digest."""
        for child in content.children:
            self.put("", child)
        self.blobs.update({images.digest_of(blob): blob for blob in content.blobs})
        self.put_bytes(tag, content.manifest, content.media_type)
        return content.digest

    def put_bytes(self, tag: str, raw: bytes, media_type: str) -> str:
        """Put any bytes as a manifest straight into the store; give their digest."""
        digest = digest_of(raw)
        self.manifests[str(digest)] = Content(media_type, digest, raw)
        if tag:
            self.tags[tag] = str(digest)
        return str(digest)

    def calls(self, *names: str) -> list[str]:
        """What was called, in order: `call subject`, without the store's name."""
        said = [line.split() for line in self.log]
        return [" ".join((call, *rest)) for call, _, *rest in said if not names or call in names]

    @property
    def name(self) -> str:
        """The repository's name."""
        return self._name

    @property
    def place(self) -> str:
        """What stands before the first slash."""
        return self._name.partition("/")[0]

    @property
    def path(self) -> str:
        """What stands after the first slash."""
        return self._name.partition("/")[2]

    @property
    def keeps_whole(self) -> bool:
        """As a registry: a manifest is taken only with its blobs."""
        return True

    def saw(self, digest: Digest) -> bool:
        """As a registry: what was fetched, asked for or put."""
        return digest in self._seen

    def knows(self, reference: str) -> bool:
        """What a test has put into `known`."""
        return reference in self.known

    async def candidates(self, _reference: str) -> tuple[Descriptor, ...]:
        """As in a registry: a tag means one."""
        return ()

    async def fetch_manifest(self, reference: str) -> Content:
        """See `Store`."""
        answer = await self._meet("fetch_manifest", reference)
        content: Content | None = self._find(reference) if answer is PASS else answer
        if content is None:
            raise NotFound("no such manifest", where=self._at(reference))
        self._seen.add(content.digest)
        return content

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """See `Store`."""
        answer = await self._meet("head_manifest", reference)
        content = self._find(reference)
        found = content.descriptor() if content else None
        found = found if answer is PASS else answer
        if found:
            self._seen.add(found.digest)
        return found

    async def put_manifest(self, reference: str, content: Content) -> None:
        """See `Store`."""
        await self._meet("put_manifest", reference)
        self.manifests[str(content.digest)] = content
        self._seen.add(content.digest)
        if ":" not in reference:
            self.tags[reference] = str(content.digest)

    async def put_tagged(self, content: Content, tags: tuple[str, ...]) -> frozenset[str]:
        """See `Store`; what a fault gives are the tags that are taken."""
        answer = await self._meet("put_tagged", ",".join(tags))
        taken = frozenset(tags if answer is PASS else answer)
        self.manifests[str(content.digest)] = content
        self._seen.add(content.digest)
        self.tags.update(dict.fromkeys(taken, str(content.digest)))
        return taken

    async def delete_tag(self, tag: str) -> bool:
        """See `Store`."""
        await self._meet("delete_tag", tag)
        if self.deletes_tags:
            self.tags.pop(tag, None)
        return self.deletes_tags

    async def list_tags(self) -> tuple[str, ...]:
        """See `Store`."""
        await self._meet("list_tags", "all")
        return tuple(self.tags)

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """See `Store`: by their subjects where `lists_subjects` is set, else by the tag's list."""
        await self._meet("list_referrers", subject)
        if not self.lists_subjects:
            held = self._find(referrers_tag(subject))
            return parse_index(held.raw).manifests if held else ()
        found = [one for one in self.manifests.values() if _subject(one) == subject]
        return tuple(referrer_descriptor(one) for one in found)

    async def put_referrer(self, subject: Digest, content: Content) -> bool:
        """See `Store`."""
        await self._meet("put_referrer", content.digest)
        self.manifests[str(content.digest)] = content
        self._seen.add(content.digest)
        return self.lists_subjects and _subject(content) == subject

    async def add_referrers(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        """See `Store`."""
        tag = referrers_tag(subject)
        await self._meet("add_referrers", tag)
        held = self._find(tag)
        index = parse_index(held.raw) if held else Index(images.OCI_INDEX, ())
        named = {one.digest: one for one in (*index.manifests, *referrers)}
        content = to_content(replace(index, manifests=tuple(named.values())))
        self.put_bytes(tag, content.raw, content.media_type)

    async def read_back(self, reference: str) -> Digest | None:
        """See `Store`."""
        answer = await self._meet("read_back", reference)
        text = self.tags.get(reference, reference)
        held = parse_digest(text) if text in self.manifests else None
        return held if answer is PASS else answer

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """See `Store`."""
        await self._meet("fetch_blob", descriptor.digest)
        blob = self._blob(descriptor.digest)
        _check(blob, descriptor)
        return blob

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """See `Store`."""
        answer = await self._meet("has_blob", descriptor.digest)
        return str(descriptor.digest) in self.blobs if answer is PASS else bool(answer)

    async def blob_size(self, digest: Digest) -> int | None:
        """See `Store`."""
        answer = await self._meet("blob_size", digest)
        if answer is not PASS:
            return answer  # type: ignore[no-any-return]
        return len(self._blob(digest))

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """See `Store`."""
        await self._meet("hash_blob", descriptor.digest)
        blob = self._blob(descriptor.digest)
        return len(blob), digest_of(blob)

    async def mount_blob(self, digest: Digest, source_path: str) -> bool:
        """See `Store`."""
        answer = await self._meet("mount_blob", digest)
        source = self._neighbours.get(source_path)
        if answer is not PASS or source is None or str(digest) not in source.blobs:
            return False
        self.blobs[str(digest)] = source.blobs[str(digest)]
        return True

    @asynccontextmanager
    async def open_blob(
        self, descriptor: Descriptor, offset: int = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Store`."""
        await self._meet("open_blob", descriptor.digest)
        yield _in_pieces(self._blob(descriptor.digest)[offset:])

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """See `Store`."""
        await self._meet("upload_blob", descriptor.digest)
        async with open_source(0) as chunks:
            blob = b"".join([chunk async for chunk in chunks])
        _check(blob, descriptor)
        self.blobs[str(descriptor.digest)] = blob

    async def _meet(self, call: str, subject: object) -> Any:
        """Write the call down, and give what a fault answers in the store's place."""
        self.log.append(f"{call} {self._name} {subject}")
        await asyncio.sleep(0)
        for fault in self.faults:
            if fault.meets(call, str(subject)):
                if fault.gate:
                    await fault.gate.pass_through()
                if fault.act:
                    fault.act()
                if fault.error:
                    raise fault.error
                return fault.gives
        return PASS

    def _find(self, reference: str) -> Content | None:
        return self.manifests.get(self.tags.get(reference, reference))

    def _blob(self, digest: Digest) -> bytes:
        blob = self.blobs.get(str(digest))
        if blob is None:
            raise NotFound("no such blob", where=self._at(str(digest)))
        return blob

    def _at(self, reference: str) -> str:
        return f"{self._name}{'@' if ':' in reference else ':'}{reference}"


def _subject(content: Content) -> Digest | None:
    subject = subject_of(content)
    return subject.digest if subject else None


def _check(blob: bytes, descriptor: Descriptor) -> None:
    if len(blob) != descriptor.size or not descriptor.digest.matches(blob):
        raise IntegrityError(f"other bytes than those of {descriptor.digest}", hint="look")


async def _in_pieces(blob: bytes, size: int = 50) -> AsyncIterator[bytes]:
    for start in range(0, len(blob), size):
        yield blob[start : start + size]
