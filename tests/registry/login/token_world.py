"""A registry that asks for tokens, and the service that gives them."""

import asyncio
import json
from pathlib import Path
from typing import Any

from mbuild.registry.registries import Registries
from tests.registry.world import HOST, Scripted
from tests.support.exchange import Answer, Request
from tests.support.fake_answers import json_answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, challenge
from tests.support.images import make_image

IMAGE = make_image()
AUTH_HOST = "auth.test"
BEARER = f'Bearer realm="https://{AUTH_HOST}/token",service="s"'
BASIC_ALICE = "Basic YWxpY2U6b3BlbjpzZXNhbWU="
PULL = "repository:team/app:pull"


class TokenService(Scripted):
    """Gives numbered tokens; the registry takes those in `good` alone."""

    def __init__(self, **reply: Any) -> None:
        super().__init__(self.issue)
        self.number = 0
        self.good: set[str] = set()
        self.reply = reply

    def issue(self, _: Request) -> Answer:
        """Give the next token."""
        self.number += 1
        self.good.add(f"Bearer token-{self.number}")
        return json_answer({"token": f"token-{self.number}", "expires_in": 300, **self.reply})

    def guard(self, request: Request, registry: Any) -> Answer:
        """Answer only those who bear a good token."""
        if request.headers.get("authorization", "") in self.good:
            answer: Answer = registry(request)
            return answer
        return challenge(BEARER)(request, registry)

    @property
    def scopes(self) -> list[str]:
        """The query of each token request, from its scopes on."""
        return [one.request.target.partition("scope=")[2] for one in self.log.exchanges]


def world(tokens: TokenService) -> tuple[FakeRegistry, dict[str, FakeRegistry]]:
    """A registry that asks for tokens, and its hosts."""
    fake = FakeRegistry(Fault("*", "", tokens.guard))
    fake.put("team/app", "1.0", IMAGE)
    return fake, {HOST: fake, AUTH_HOST: tokens}


def authfile(folder: Path, **entry: str) -> str:
    """A file with one entry for the registry."""
    path = folder / "auth.json"
    entry = entry or {"username": "alice", "password": "open:sesame"}
    path.write_text(json.dumps({"auths": {HOST: entry}}))
    return str(path)


def statuses(fake: FakeRegistry) -> list[str]:
    """Method and status of each request."""
    return [f"{one.method} {one.status}" for one in fake.log.exchanges]


async def pull(registries: Registries, times: int = 1) -> None:
    """Ask for a manifest several times at once."""
    registry = registries.registry(HOST)
    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(registry.head_manifest("team/app", "1.0"))
