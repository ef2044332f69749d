"""Faults of a registry as small values: which requests they meet, and what becomes of the answer."""

import json
import re
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace

from tests.support.exchange import Answer, Handler, Request
from tests.support.images import OCI_INDEX, SCHEMA_1

Effect = Callable[[Request, Handler], Answer]
"""Answers a request; may ask the registry itself, which is the second argument, or not."""

FOR_EVER = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """An effect on requests of some methods (`GET|HEAD`, or `*`) whose path holds a pattern.

    Of those requests it meets `times`, after leaving the first `after` alone.
    """

    methods: str
    path: str
    effect: Effect
    times: int = FOR_EVER
    after: int = 0

    def meets(self, request: Request) -> bool:
        """Tell whether the fault is about this request at all."""
        is_method = self.methods == "*" or request.method in self.methods.split("|")
        return is_method and re.search(self.path, request.path) is not None


def apply_faults(
    faults: Sequence[Fault],
    counts: MutableMapping[Fault, int],
    request: Request,
    handler: Handler,
) -> Answer:
    """Answer by `handler`, through each fault that meets the request; the first is outermost."""
    if not faults:
        return handler(request)
    fault, rest = faults[0], faults[1:]

    def inner(asked: Request) -> Answer:
        return apply_faults(rest, counts, asked, handler)

    if not fault.meets(request):
        return inner(request)
    counts[fault] = counts.get(fault, 0) + 1
    is_due = fault.after < counts[fault] <= fault.after + fault.times
    return fault.effect(request, inner) if is_due else inner(request)


def status(
    code: int, error: str = "", *, message: str = "scripted", retry_after: str | int = ""
) -> Effect:
    """Answer with a status, the registry's JSON for an error code, and perhaps Retry-After."""
    body = json.dumps({"errors": [{"code": error, "message": message}]}) if error else ""
    headers = {"Content-Type": "application/json"} if error else {}
    if retry_after != "":
        headers["Retry-After"] = str(retry_after)
    return lambda _request, _registry: Answer(code, headers, body.encode())


def lost() -> Effect:
    """Hang up before anything is done."""
    return lambda _request, _registry: Answer(0, lost=True)


def no_mount(code: int = 202) -> Effect:
    """Do not mount: open an upload instead (202), or refuse with another status."""

    def effect(request: Request, registry: Handler) -> Answer:
        if code == 202 or "mount" not in request.query:
            return registry(replace(request, query={}))
        return status(code)(request, registry)

    return effect


def broken_off(length: int) -> Effect:
    """Take in only the first bytes of what is uploaded, then hang up."""

    def effect(request: Request, registry: Handler) -> Answer:
        part = replace(request.with_("PATCH"), query={}, body=request.body[:length])
        registry(part)
        return Answer(0, lost=True)

    return effect


def lost_reply() -> Effect:
    """Do what was asked, then hang up without an answer."""
    return lambda request, registry: replace(registry(request), lost=True)


def cut(length: int) -> Effect:
    """Send only the first bytes of the body, then hang up."""
    return lambda request, registry: replace(registry(request), cut=length)


def slow(seconds: float) -> Effect:
    """Answer later."""
    return lambda request, registry: replace(registry(request), delay=seconds)


def header(name: str, value: str | None) -> Effect:
    """Set a header of the answer, or take it away."""
    return lambda request, registry: registry(request).with_headers(**{name: value})


def content(body: bytes, media_type: str = "") -> Effect:
    """Send other bytes, under the same headers but for the content's type."""

    def effect(request: Request, registry: Handler) -> Answer:
        answer = registry(request)
        kind = media_type or answer.headers.get("Content-Type", "")
        return replace(answer, status=200, body=body).with_headers(content_type=kind)

    return effect


def html() -> Effect:
    """Answer with the page of a proxy or a login, as if that were what was asked."""
    page = b"<!doctype html><html><title>Sign in</title><body>Welcome</body></html>"
    return lambda _request, _registry: Answer(200, {"Content-Type": "text/html"}, page)


def huge_json(size: int = 5_000_000) -> Effect:
    """Answer with an index of valid JSON that is larger than any manifest may be."""
    padding = "x" * size
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": {}}
    body = json.dumps({**value, "annotations": {"padding": padding}}).encode()
    return lambda _request, _registry: Answer(200, {"Content-Type": OCI_INDEX}, body)


def schema_1() -> Effect:
    """Answer with a manifest of Docker's first, signed kind."""
    value = {"schemaVersion": 1, "name": "x", "tag": "1", "architecture": "amd64"}
    body = json.dumps({**value, "fsLayers": [], "history": [], "signatures": []}).encode()
    return lambda _request, _registry: Answer(200, {"Content-Type": SCHEMA_1}, body)


def challenge(www_authenticate: str, *, unless: str = "") -> Effect:
    """Answer 401 with a challenge, except to one value of the Authorization header."""

    def effect(request: Request, registry: Handler) -> Answer:
        if unless and request.headers.get("authorization") == unless:
            return registry(request)
        answer = status(401, "UNAUTHORIZED")(request, registry)
        return answer.with_headers(www_authenticate=www_authenticate)

    return effect


def redirect(origin: str, code: int = 307) -> Effect:
    """Send the client for the same path to another origin."""

    def effect(request: Request, _: Handler) -> Answer:
        return Answer(code, {"Location": f"{origin}{request.target or request.path}"})

    return effect


def immutable_tags() -> Effect:
    """Refuse to put a tag that exists, even with the same bytes, as ECR does."""

    def effect(request: Request, registry: Handler) -> Answer:
        tag = request.path.rpartition("/")[2]
        accept_all = replace(request.with_("HEAD"), headers={"accept": _EVERY_TYPE})
        if ":" in tag or registry(accept_all).status == 404:
            return registry(request)
        return status(400, "TAG_INVALID", message=f"tag {tag} is immutable")(request, registry)

    return effect


_EVERY_TYPE = ",".join(
    f"application/vnd.{kind}"
    for kind in (
        "oci.image.index.v1+json",
        "oci.image.manifest.v1+json",
        "docker.distribution.manifest.list.v2+json",
        "docker.distribution.manifest.v2+json",
    )
)

READ_ONLY = Fault("POST|PUT|PATCH|DELETE", "/v2/", status(403, "DENIED", message="read-only"))
"""A registry that lets nobody write."""

NO_HEAD = Fault("HEAD", "/manifests/", status(405, "UNSUPPORTED"))
"""A registry that answers no HEAD for manifests."""


def late_children(times: int) -> Fault:
    """A registry that does not find an index's children, though they are there, `times` often."""
    effect = status(400, "MANIFEST_BLOB_UNKNOWN", message="blob unknown to registry")
    return Fault("PUT", "/manifests/", effect, times=times)
