"""One line about each request, and every other line beside it in the same shape."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

import pytest

from gatepost.core.logs import lines
from gatepost.core.logs.lines import BACKLOG_BYTES, LineWriter
from gatepost.core.logs.setup import LineHandler
from gatepost.core.settings import LogAddresses, LogFormat, LogLevel
from tests.conftest import ADDRESS, MakeServices, MakeSettings, http_client, started
from tests.support.api import Api
from tests.support.log import Log, logging_as_served

JSON_LOG = {"log_level": LogLevel.INFO, "log_format": LogFormat.JSON}


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Log:
    """Return the log of the app under test."""
    return Log(capfd)


@pytest.fixture
async def logged(make_services: MakeServices) -> AsyncIterator[Api]:
    """Give the API of an app that writes JSON lines."""
    async with started(make_services(**JSON_LOG)) as app, http_client(app) as client:
        yield Api(client)


async def test_each_request_has_one_line(logged: Api, log: Log) -> None:
    person = await logged.sign_up()
    answer = await logged.delete("/api/auth/sessions/999?token=secret", headers=person.headers)
    await logged.get("/api/nothing/secret")
    await logged.client.options(
        "/api/auth/signin", headers={"Origin": "http://localhost:8081", "Access-Control-Request-Method": "POST"}
    )

    signed_up, deleted, unknown, preflight = log.requests
    assert (signed_up["method"], signed_up["route"], signed_up["status"]) == ("POST", "/api/auth/signup", 201)
    assert signed_up["user_id"] == deleted["user_id"] == person.id
    assert deleted["route"] == "/api/auth/sessions/{session_id}"
    assert (deleted["status"], deleted["code"], deleted["level"]) == (404, answer.json()["code"], "info")
    assert deleted["request_id"] == answer.headers["x-request-id"]
    assert deleted["duration_ms"] > 0
    assert (unknown["route"], unknown["status"], "user_id" in unknown) == ("(none)", 404, False)
    assert (preflight["method"], preflight["status"]) == ("OPTIONS", 200)
    assert "secret" not in log.text


async def test_refusal_is_logged_with_who_it_was_and_why(logged: Api, log: Log) -> None:
    person = await logged.sign_up()
    await logged.get("/api/test/admin", headers=person.headers)
    await logged.get("/api/admin/users", headers=person.headers)
    await logged.get("/api/test/user")

    _, *refused = log.requests
    assert [(line["route"], line["status"], line["code"], line.get("user_id")) for line in refused] == [
        ("/api/test/admin", 403, "role_required", person.id),
        ("/api/admin/users", 403, "permission_required", person.id),
        ("/api/test/user", 401, "token_missing", None),
    ]
    assert all(line["timestamp"].endswith("Z") and line["request_id"] for line in refused)


@pytest.mark.parametrize("hostile", ["a\nb", "a\r\n{}", "\x1b[2J", "\u2028", '"}\n{"event": "forged"}', "\x85"])
async def test_text_of_a_caller_adds_no_line_to_the_log(
    logged: Api, make_settings: MakeSettings, log: Log, hostile: str
) -> None:
    with logging_as_served(make_settings(**JSON_LOG)):
        logging.getLogger("gatepost").error("about %s", hostile)
        await logged.post("/api/auth/signin", json={"username": hostile, "password": hostile})
        await logged.get(f"/api/{quote(hostile)}?q={quote(hostile)}", headers={"User-Agent": quote(hostile)})

    # Whatever a reader takes for the end of a line, there are three, each an object of ours.
    assert [line["event"] for line in log.lines] == [f"about {hostile}", "request", "request"]
    assert log.text.isascii()
    assert "\x1b" not in log.text


async def test_id_that_the_caller_chose_is_in_the_line(logged: Api, log: Log) -> None:
    await logged.get("/api/test/all", headers={"X-Request-ID": "from-the-proxy-1"})

    assert [line["request_id"] for line in log.requests] == ["from-the-proxy-1"]


async def test_probes_are_quiet_until_they_fail(make_services: MakeServices, log: Log) -> None:
    services = make_services(**JSON_LOG)
    async with started(services) as app, http_client(app) as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            await client.get(path)
        assert log.requests == []
        await services.platform.database.dispose()
        services.platform.clock.advance(seconds=31)  # type: ignore[attr-defined]
        await client.get("/readyz")

    [failed] = log.requests
    assert (failed["route"], failed["level"], failed["code"]) == ("/readyz", "error", "revocation_unknown")


@pytest.mark.parametrize(
    ("policy", "shown"),
    [(LogAddresses.FULL, ADDRESS), (LogAddresses.NETWORK, "203.0.113.0/24"), (LogAddresses.NONE, None)],
)
async def test_log_holds_as_much_of_an_address_as_the_policy_says(
    make_services: MakeServices, log: Log, policy: LogAddresses, shown: str | None
) -> None:
    async with started(make_services(**JSON_LOG, log_addresses=policy)) as app, http_client(app) as client:
        await client.get("/api/test/all")

    assert [line.get("address") for line in log.requests] == [shown]
    assert policy is LogAddresses.FULL or ADDRESS not in log.text


async def test_lines_of_libraries_and_of_requests_have_one_shape(
    make_services: MakeServices, make_settings: MakeSettings, log: Log
) -> None:
    async def warn() -> None:
        logging.getLogger("a.library").warning("it is %s", "late")
        logging.getLogger("a.library").info("a form with secret fields")

    services = make_services(**JSON_LOG)
    async with started(services) as app, http_client(app) as client:
        app.add_api_route("/api/warn", warn)
        with logging_as_served(make_settings(**JSON_LOG)):
            await client.get("/api/warn")
            logging.getLogger("uvicorn.error").info("Started")
            logging.getLogger("gatepost").info("outside of a request")

    library, started_line, outside, request = sorted(log.lines, key=lambda line: line["event"] == "request")
    assert list(library)[:3] == list(request)[:3] == ["timestamp", "level", "event"]
    assert len(library["timestamp"]) == len(request["timestamp"]) == len("2026-01-01T00:00:00.000Z")
    assert (library["event"], library["level"], library["logger"]) == ("it is late", "warning", "a.library")
    assert library["request_id"] == request["request_id"]
    assert started_line["logger"] == "uvicorn.error"
    assert "request_id" not in outside


async def test_crash_is_one_line_with_its_frames(
    make_services: MakeServices, make_settings: MakeSettings, log: Log
) -> None:
    async def fail() -> None:
        raise LookupError("no such thing")

    async with started(make_services(**JSON_LOG)) as app, http_client(app) as client:
        app.add_api_route("/api/fail", fail)
        with logging_as_served(make_settings(**JSON_LOG)):
            answer = await client.get("/api/fail")

    crash, request = sorted(log.lines, key=lambda line: line["event"] == "request")
    assert crash["request_id"] == request["request_id"] == answer.json()["requestId"]
    assert crash["level"] == request["level"] == "error"
    assert crash["exception"].endswith("LookupError: no such thing")
    assert 'in fail\n    raise LookupError("no such thing")' in crash["exception"]


async def test_people_read_lines_and_machines_json(make_services: MakeServices, log: Log) -> None:
    async with started(make_services(log_level=LogLevel.INFO)) as app, http_client(app) as client:
        await client.get("/api/test/all")

    assert " info    GET /api/test/all 200 " in log.text
    assert not log.text.startswith("{")


def test_reader_that_stalls_stops_nobody_and_misses_no_line_of_a_mebibyte() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    line = b"x" * 1023 + b"\n"
    count = 3 * BACKLOG_BYTES // len(line)

    for _ in range(count):
        writer.write(line)

    taken = count - writer.lost
    assert BACKLOG_BYTES // len(line) <= taken < count
    with os.fdopen(reading, "rb") as reader:
        assert [reader.readline() for _ in range(taken)] == [line] * taken
    writer.write(line)
    writer.flush()
    assert writer.lost == count - taken + 1
    os.close(writing)


def test_library_that_logs_waits_for_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FLUSH_SECONDS", 3600)
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    handler = LineHandler(LogFormat.JSON.value, writer)
    said = "x" * BACKLOG_BYTES

    for number in range(3):
        handler.handle(logging.makeLogRecord({"name": "a.library", "msg": said, "args": (), "levelno": number}))

    with os.fdopen(reading, "rb") as reader:
        assert said.encode() in reader.readline()


def test_line_that_is_written_while_the_process_ends_is_not_lost() -> None:
    program = (
        "import os; from gatepost.core.logs.lines import standard_error as log; "
        "log().write(b'soon\\n'); log().finish(); log().write(b'last\\n'); os._exit(0)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert ended.stderr == b"soon\nlast\n"


def test_lost_lines_are_told_once_where_they_are_missing_and_the_others_keep_their_order() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    handler = LineHandler(LogFormat.JSON.value, writer)
    filling = "x" * 8192
    number = 0
    # What is never told must not be waited for: the end of the pipe fails the test.
    guard = threading.Timer(60, os.close, [writing])
    guard.daemon = True
    guard.start()
    while writer.lost < 3:  # the reader stalls
        handler.handle(logging.makeLogRecord({"name": "a", "msg": f"{number} {filling}", "args": ()}))
        number += 1

    with os.fdopen(reading, "rb") as reader:
        said = [json.loads(reader.readline())["event"] for _ in range(number - writer.lost + 1)]
        for after in ("first", "second"):
            handler.handle(logging.makeLogRecord({"name": "a", "msg": after, "args": ()}))
        said += [json.loads(reader.readline())["event"] for _ in range(2)]
    guard.cancel()

    assert [int(line.split()[0]) for line in said[: number - 3]] == list(range(number - 3))
    assert said[number - 3 :] == [
        "lines of the log were lost before this one, since nobody read it: 3",
        "first",
        "second",
    ]
    assert writer.lost == 3


def test_lines_after_the_end_wait_for_a_stalled_reader_once_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    wait_for = writer._changed.wait_for

    def noted(is_done: Callable[[], object], seconds: float | None = None) -> object:
        if threading.current_thread() is threading.main_thread():
            waited.append(seconds or 0.0)
        return wait_for(is_done, seconds)

    monkeypatch.setattr(writer._changed, "wait_for", noted)
    writer._patience = 0.05
    writer.write(b"x" * BACKLOG_BYTES + b"\n")

    writer.finish()
    for _ in range(3):
        writer.write(b"last\n")

    assert waited[0] == 0.05
    assert waited[1:] == [0.0] * 3
    os.close(reading)
    os.close(writing)


CRASH = """
import logging, logging.config, sys
from gatepost.core.logs.setup import LineHandler
logging.getLogger().addHandler(LineHandler("json"))
for number in range(300):
    logging.getLogger("a").warning("line %d", number)
try:
    raise LookupError("no such thing")
except LookupError:
    logging.getLogger("gatepost").exception("crashed")
sys.exit(3)
"""


def test_lines_of_a_crash_are_there_when_the_process_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, check=False)

    said = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 3
    assert [line["event"] for line in said] == [*(f"line {number}" for number in range(300)), "crashed"]
    assert said[-1]["exception"].endswith("LookupError: no such thing")


def test_process_ends_although_nobody_reads_its_log() -> None:
    reading, writing = os.pipe()
    program = CRASH.replace('"line %d"', f'"{"x" * 9000} %d"')

    ended = subprocess.run([sys.executable, "-c", program], stderr=writing, stdout=subprocess.DEVNULL, check=False)

    assert ended.returncode == 3
    os.close(reading)
    os.close(writing)
