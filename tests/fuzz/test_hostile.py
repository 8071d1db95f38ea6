"""Texts that have broken services before, in every text field of every body, sent by an administrator."""

import json
from collections.abc import Iterator
from typing import Any

from gatepost.composition.services import Services
from gatepost.identity.accounts.roles import RoleName
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api

JSON = {"Content-Type": "application/json"}
HOSTILE = (
    "", "a\0b", "\ud800", "\ufeff", "\U0010ffff", "\r\nSet-Cookie: a=b", "' OR 1=1 --", "%s%n%00", "a@b@c", "@xn--a",
    "\u0301" * 1000, "🐎" * 4096, "gpr_" + "9" * 40 + ".0.x", "gpt_", "İ" * 64,
)  # fmt: skip


async def test_no_text_is_a_failure_of_the_service(running: tuple[Services, Api]) -> None:
    services, api = running
    boss = await api.sign_up("Boss")
    await give(services.platform.database, boss.id, [RoleName.ADMIN])
    somebody = await api.sign_up("Somebody")
    document = (await api.get("/openapi.json")).json()
    sent = 0

    for method, path, documented, body in _bodies(document):
        # What was sent before may have ended the session.
        headers = (await api.sign_in("boss@example.com", password=PASSWORD)).headers | JSON
        for harmed in _harmed(body):
            url = path.replace("{user_id}", str(somebody.id)).replace("{role_id}", "4")
            answer = await api.client.request(method, url, content=json.dumps(harmed), headers=headers)
            sent += 1

            assert answer.status_code < 500, f"{method} {path} {harmed!a}: {answer.text}"
            assert str(answer.status_code) in documented, f"{method} {path} {harmed!a}: {answer.text}"

    assert sent > 400


def _bodies(document: Any) -> Iterator[tuple[str, str, set[str], dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                yield method.upper(), path, set(operation["responses"]), body["example"]


def _harmed(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in body.items():
        if isinstance(value, str):
            yield from ({**body, name: text} for text in HOSTILE)
        elif isinstance(value, list):
            yield from ({**body, name: [text]} for text in HOSTILE)
