"""Every event of the list is written by some code, and told of in the docs."""

import hashlib
import hmac
import re
from pathlib import Path

import gatepost
from gatepost.audit import log
from gatepost.audit.chain import entry_digest
from gatepost.audit.log import AuditEvent

SOURCE = Path(gatepost.__file__).parent
DOCS = Path(__file__).parents[3] / "docs/audit.md"
ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|", re.MULTILINE)


def test_every_event_is_written_by_some_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path != Path(log.__file__))
    named = set(re.findall(r"AuditEvent\.([A-Z_]+)", code))

    assert {event.name for event in AuditEvent} == named


def test_docs_list_every_event_once() -> None:
    listed = ROW.findall(DOCS.read_text(encoding="utf-8"))

    assert sorted(listed) == sorted(event.value for event in AuditEvent)


def test_docs_give_the_form_of_an_entry_exactly() -> None:
    text = DOCS.read_text(encoding="utf-8")
    [example] = re.findall(r"```json\n(\[\"entry\".*)\n```", text)
    row = {
        "id": 42, "at": "2026-01-31 12:00:00.123456", "event": "session.opened", "user_id": 7, "actor_id": None,
        "session_id": 19, "address": "203.0.113.7", "request_id": "f00", "details": '{"amr": "pwd"}',
    }  # fmt: skip

    assert entry_digest(b"key", row) == _hmac(b"key", example)[:32]


def _hmac(key: bytes, message: str) -> str:
    return hmac.new(key, message.encode("ascii"), hashlib.sha256).hexdigest()
