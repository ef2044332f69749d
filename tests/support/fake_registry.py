"""A registry in memory that follows the distribution-spec, whose faults a test can script."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import RLock

from tests.support.exchange import Answer, Request, RequestLog
from tests.support.fake_answers import (
    child_for_amd64,
    error,
    json_answer,
    judge_manifest,
    referrers_of,
)
from tests.support.faults import Fault, apply_faults
from tests.support.images import (
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    digest_of,
)

NEEDED_IN_ACCEPT = {
    OCI_INDEX: "OCI index found, but accept header does not support OCI indexes",
    OCI_MANIFEST: "OCI manifest found, but accept header does not support OCI manifests",
}
NAME = r"(?P<name>[a-z0-9._/-]+)"
REFERENCE = r"(?P<reference>[\w][\w.-]{0,127}|sha256:[0-9a-f]{64})"
DIGEST = r"(?P<digest>sha256:[0-9a-f]{64})"


@dataclass
class Repository:
    """What one repository holds: manifests with their types, tags, and digests of its blobs."""

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def digest(self, reference: str) -> str:
        """The digest a tag or digest stands for; empty where there is none."""
        digest = self.tags.get(reference, reference)
        return digest if digest in self.manifests else ""


class FakeRegistry:
    """Repositories in memory; `handle` answers a request, through the faults that match it.

    `takes_tags` lets a PUT by digest name tags (OCI-Tag), `deletes_tags` lets a tag be deleted
    alone, `page` is the number of tags or referrers in a page of their list, 0 for all, and one
    that is `trusting` takes any manifest, whatever below it is missing. None is the rule.
    `lists_referrers` gives it the API for them; `says_subject` lets a PUT answer that the
    manifest is listed by it (OCI-Subject).
    `faults` may be changed at any time. `log` is written by whoever carries the requests:
    `FakeTransport` or `serve_fake`.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.log = RequestLog()
        self.repositories: dict[str, Repository] = {}
        self.takes_tags = False
        self.deletes_tags = False
        self.page = 0
        self.trusting = False
        self.lists_referrers = False
        self.says_subject = True
        self._counts: dict[Fault, int] = {}
        self._uploads: dict[str, bytes] = {}
        self._numbers = count(1)
        self._lock = RLock()

    def put(self, repository: str, tag: str, content: Content) -> str:
        """Put an image or index and all below it straight into a repository; give its digest."""
        held = self.repository(repository)
        for child in content.children:
            self.put(repository, "", child)
        held.blobs.update({digest_of(blob): blob for blob in content.blobs})
        held.manifests[content.digest] = (content.media_type, content.manifest)
        if tag:
            held.tags[tag] = content.digest
        return content.digest

    def repository(self, name: str) -> Repository:
        """The repository of that name, made where it is missing."""
        return self.repositories.setdefault(name, Repository())

    def handle(self, request: Request) -> Answer:
        """Answer a request, as the faults want it."""
        with self._lock:
            return apply_faults(self.faults, self._counts, request, self._route)

    def handle_faultless(self, request: Request) -> Answer:
        """Answer a request as if there were no faults: what is there, is there."""
        with self._lock:
            return self._route(request)

    def _route(self, request: Request) -> Answer:
        for pattern, methods in _ROUTES:
            if found := re.fullmatch(pattern, request.path, re.ASCII):
                method = "GET" if request.method == "HEAD" else request.method
                if method in methods:
                    return methods[method](self, request, **found.groupdict())
                return Answer(405, {"Allow": ", ".join(methods)}, b"Method not allowed\n")
        return _NO_PAGE

    def _ping(self, _: Request) -> Answer:
        return json_answer({})

    def _list_tags(self, request: Request, name: str) -> Answer:
        if name not in self.repositories:
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        last = request.query.get("last", "")
        tags = [tag for tag in sorted(self.repositories[name].tags) if tag > last]
        shown = tags[: self.page or len(tags)]
        answer = json_answer({"name": name, "tags": shown or None})
        if shown == tags:
            return answer
        following = f"/v2/{name}/tags/list?last={shown[-1]}&n={self.page}"
        return answer.with_headers(link=f'<{following}>; rel="next"')

    def _list_referrers(self, request: Request, name: str, digest: str) -> Answer:
        if not self.lists_referrers:
            return _NO_PAGE
        held = self.repositories.get(name, Repository()).manifests
        entries = referrers_of(digest, held.values())
        first = int(request.query.get("from", "0"))
        last = first + (self.page or len(entries))
        listed = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[first:last]}
        answer = Answer(200, {"Content-Type": OCI_INDEX}, json.dumps(listed).encode())
        following = f"/v2/{name}/referrers/{digest}?from={last}"
        is_all = last >= len(entries)
        return answer if is_all else answer.with_headers(link=f'<{following}>; rel="next"')

    def _get_manifest(self, request: Request, name: str, reference: str) -> Answer:
        held = self.repositories.get(name, Repository())
        digest = held.digest(reference)
        if not digest:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, content = held.manifests[digest]
        accepted = request.headers.get("accept", "")
        if media_type not in accepted:
            if media_type in NEEDED_IN_ACCEPT:
                return error(404, "MANIFEST_UNKNOWN", NEEDED_IN_ACCEPT[media_type])
            if media_type == DOCKER_LIST and reference in held.tags:
                digest = child_for_amd64(content)
                media_type, content = held.manifests[digest]
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
        return Answer(200, {**headers, "Etag": f'"{digest}"'}, content)

    def _put_manifest(self, request: Request, name: str, reference: str) -> Answer:
        digest = digest_of(request.body)
        if ":" in reference and reference != digest:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        media_type = request.headers.get("content-type", "")
        held = self.repository(name)
        refused = judge_manifest(held, media_type, request.body)
        if refused and not self.trusting:
            return refused
        held.manifests[digest] = (media_type, request.body)
        if ":" not in reference:
            held.tags[reference] = digest
        location = f"{request.origin}/v2/{name}/manifests/{digest}"
        answer = Answer(201, {"Location": location, "Docker-Content-Digest": digest})
        subject = json.loads(request.body).get("subject")
        if subject and self.lists_referrers and self.says_subject:
            answer = answer.with_headers(oci_subject=subject["digest"])
        tags = request.values("tag") if self.takes_tags and ":" in reference else []
        held.tags.update(dict.fromkeys(tags, digest))
        return answer.with_headers(oci_tag=", ".join(tags)) if tags else answer

    def _delete_manifest(self, _: Request, name: str, reference: str) -> Answer:
        held = self.repositories.get(name, Repository())
        if ":" not in reference and self.deletes_tags:
            gone = held.tags.pop(reference, None)
            return Answer(202) if gone else error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if ":" not in reference:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if held.manifests.pop(reference, None) is None:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        held.tags = {tag: digest for tag, digest in held.tags.items() if digest != reference}
        return Answer(202)

    def _get_blob(self, request: Request, name: str, digest: str) -> Answer:
        blob = self.repositories.get(name, Repository()).blobs.get(digest)
        if blob is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not wanted:
            return Answer(200, headers, blob)
        first, last = int(wanted[1]), min(int(wanted[2] or len(blob)), len(blob) - 1)
        if first > last:
            return Answer(416, {"Content-Range": f"bytes */{len(blob)}"})
        span = f"bytes {first}-{last}/{len(blob)}"
        return Answer(206, {**headers, "Content-Range": span}, blob[first : last + 1])

    def _delete_blob(self, _: Request, name: str, digest: str) -> Answer:
        if self.repository(name).blobs.pop(digest, None) is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)
        return Answer(202)

    def _open_upload(self, request: Request, name: str) -> Answer:
        mounted, source = request.query.get("mount", ""), request.query.get("from", "")
        blob = self.repositories.get(source, Repository()).blobs.get(mounted)
        if blob is not None:
            return self._keep_blob(request, name, blob)
        upload = f"upload-{next(self._numbers)}"
        self._uploads[upload] = b""
        return self._upload_state(request, 202, name, upload)

    def _patch_upload(self, request: Request, name: str, upload: str) -> Answer:
        if upload not in self._uploads:
            return _NO_UPLOAD
        begins = request.headers.get("content-range", "").split("-")[0]
        if begins and int(begins) != len(self._uploads[upload]):
            return error(416, "RANGE_INVALID", "invalid content range")
        self._uploads[upload] += request.body
        return self._upload_state(request, 202, name, upload)

    def _get_upload(self, request: Request, name: str, upload: str) -> Answer:
        if upload not in self._uploads:
            return _NO_UPLOAD
        return self._upload_state(request, 204, name, upload)

    def _close_upload(self, request: Request, name: str, upload: str) -> Answer:
        if upload not in self._uploads:
            return _NO_UPLOAD
        if request.is_cut:  # what arrived is kept, for whoever goes on
            return self._patch_upload(request, name, upload)
        blob = self._uploads[upload] + request.body
        if digest_of(blob) != request.query.get("digest"):
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        del self._uploads[upload]
        return self._keep_blob(request, name, blob)

    def _cancel_upload(self, _: Request, name: str, upload: str) -> Answer:  # noqa: ARG002
        return _NO_UPLOAD if self._uploads.pop(upload, None) is None else Answer(204)

    def _keep_blob(self, request: Request, name: str, blob: bytes) -> Answer:
        digest = digest_of(blob)
        self.repository(name).blobs[digest] = blob
        location = f"{request.origin}/v2/{name}/blobs/{digest}"
        return Answer(201, {"Location": location, "Docker-Content-Digest": digest})

    def _upload_state(self, request: Request, status: int, name: str, upload: str) -> Answer:
        location = f"{request.origin}/v2/{name}/blobs/uploads/{upload}?_state=opaque"
        end = max(len(self._uploads[upload]) - 1, 0)
        headers = {"Location": location, "Range": f"0-{end}", "Docker-Upload-UUID": upload}
        return Answer(status, headers)


_NO_PAGE = Answer(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
_NO_UPLOAD = error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
_ROUTES: tuple[tuple[str, Mapping[str, Callable[..., Answer]]], ...] = (
    (r"/v2/", {"GET": FakeRegistry._ping}),
    (rf"/v2/{NAME}/referrers/{DIGEST}", {"GET": FakeRegistry._list_referrers}),
    (rf"/v2/{NAME}/tags/list", {"GET": FakeRegistry._list_tags}),
    (
        rf"/v2/{NAME}/manifests/{REFERENCE}",
        {
            "GET": FakeRegistry._get_manifest,
            "PUT": FakeRegistry._put_manifest,
            "DELETE": FakeRegistry._delete_manifest,
        },
    ),
    (
        rf"/v2/{NAME}/blobs/{DIGEST}",
        {"GET": FakeRegistry._get_blob, "DELETE": FakeRegistry._delete_blob},
    ),
    (rf"/v2/{NAME}/blobs/uploads/", {"POST": FakeRegistry._open_upload}),
    (
        rf"/v2/{NAME}/blobs/uploads/(?P<upload>[\w-]+)",
        {
            "GET": FakeRegistry._get_upload,
            "PATCH": FakeRegistry._patch_upload,
            "PUT": FakeRegistry._close_upload,
            "DELETE": FakeRegistry._cancel_upload,
        },
    ),
)
