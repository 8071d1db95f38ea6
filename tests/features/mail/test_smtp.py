"""Mail to a real SMTP server: one that works, one that is down, slow or refusing, one that wants TLS and a password."""

import asyncio
import logging
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from gatepost.core.settings.mail import parse_mail_url, read_sender
from gatepost.mail.errors import MailNotSent, MailRefused
from gatepost.mail.messages import Messages
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.rendering import Templates
from gatepost.mail.smtp import SmtpTransport
from gatepost.mail.worker import WAITS
from tests.features.mail.conftest import MakeWorker, PutIn, Rows
from tests.support.clock import FakeClock
from tests.support.smtp import part, self_signed, smtp_server

ABBEY = "abbey.salami@example.com"
NAME = "auth.example.com"


async def test_mail_reaches_the_server_and_leaves_the_outbox(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        await put_in(ABBEY)

        assert await make_worker(server).run_once() == 1

        (mail,) = server.received
        assert (mail["To"], mail["From"]) == (ABBEY, "Gatepost <no-reply@example.com>")
        assert mail["Subject"] == "Verify your e-mail address"
        assert mail["Date"].datetime == clock.now()
        assert mail["Message-ID"].endswith("@example.com>")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail.get_content_type() == "multipart/alternative"
        assert "http://localhost:8080/verify-email#token=gpt_example" in part(mail, "plain")
        assert 'href="http://localhost:8080/verify-email#token=gpt_example"' in part(mail, "html")
        assert server.senders == ["no-reply@example.com"]
        assert await rows() == []


async def test_mail_that_nobody_is_to_get_any_more_is_dropped(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows
) -> None:
    async with smtp_server() as server:
        await put_in("gone@example.com")

        assert await make_worker(server).run_once() == 0

        assert server.received == []
        assert await rows() == []


async def test_server_that_is_killed_and_comes_back_gets_every_mail_once(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    addresses = [f"person{number}@example.com" for number in range(7)]
    async with smtp_server() as server:
        worker = make_worker(server)
        await server.kill()
        await put_in(*addresses)

        assert await worker.run_once() == 0
        kept = await rows()
        await server.start()
        clock.advance(seconds=20)
        assert await worker.run_once() == 7

        assert sorted(mail.address for mail in kept) == addresses
        assert {mail.attempts for mail in kept} == {1}
        where = f"127.0.0.1:{server.port}"
        assert {mail.last_error for mail in kept} == {
            f"nothing listens at {where}: the server is down, or the port is another one"
        }
        assert sorted(mail["To"] for mail in server.received) == addresses
        assert await rows() == []


async def test_connection_lost_in_the_middle_of_a_mail_is_tried_again(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        worker = make_worker(server)
        server.hangs_up = True
        await put_in(ABBEY)
        assert await worker.run_once() == 0
        (kept,) = await rows()
        server.hangs_up = False
        server.received.clear()
        clock.advance(seconds=20)

        assert await worker.run_once() == 1

        assert kept.attempts == 1
        assert len(server.received) == 1


async def test_server_that_says_nothing_is_left_after_the_time_limit(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        worker = make_worker(server, send_seconds=0.3)
        server.stalls = asyncio.Event()
        await put_in(ABBEY)

        assert await worker.run_once() == 0

        (kept,) = await rows()
        assert (kept.attempts, kept.last_error) == (1, "the server does not answer in time")
        assert kept.due_at is not None
        assert kept.due_at > clock.now()
        server.stalls.set()


@pytest.mark.parametrize("field", ["recipient_answer", "data_answer"])
async def test_refusal_for_now_is_tried_again_with_growing_waits_and_then_given_up(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock, field: str
) -> None:
    async with smtp_server() as server:
        setattr(server, field, f"451 {ABBEY} try later")
        worker = make_worker(server, attempts=4)
        await put_in(ABBEY)

        for attempt in range(1, 4):
            assert await worker.run_once() == 0
            (kept,) = await rows()
            assert (kept.attempts, kept.last_error, kept.failed_at) == (
                attempt,
                "the server answers 451: … try later",
                None,
            )
            assert kept.due_at is not None
            assert 0.8 * WAITS[attempt - 1] <= kept.due_at - clock.now() <= 1.2 * WAITS[attempt - 1]
            assert await worker.run_once() == 0
            assert server.tries == attempt
            clock.advance(seconds=(kept.due_at - clock.now()).total_seconds())
        assert await worker.run_once() == 0

        (given_up,) = await rows()
        assert (given_up.attempts, given_up.due_at, given_up.failed_at) == (4, None, clock.now())
        assert tuple(sorted(WAITS)) == WAITS


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        ("recipient_answer", "the server refuses the recipient with 550: <…> is not here"),
        ("data_answer", "the server refuses the mail with 550: <…> is not here"),
    ],
)
async def test_refusal_for_good_is_given_up_at_once_and_told_without_the_address(
    make_worker: MakeWorker,
    put_in: PutIn,
    rows: Rows,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    field: str,
    cause: str,
) -> None:
    async with smtp_server() as server:
        setattr(server, field, f"550 <{ABBEY}> is not here")
        await put_in(ABBEY)

        with caplog.at_level(logging.INFO, "gatepost"):
            assert await make_worker(server).run_once() == 0

        (given_up,) = await rows()
        assert (given_up.due_at, given_up.failed_at, given_up.last_error) == (None, clock.now(), cause)
        assert f"was given up after 1 tries: {cause}" in caplog.text
        assert ABBEY not in caplog.text


async def test_one_refused_recipient_does_not_hold_up_the_others(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows
) -> None:
    async with smtp_server() as server:
        await put_in("not an address", ABBEY)

        assert await make_worker(server).run_once() == 1

        (given_up,) = await rows()
        assert (given_up.address, given_up.last_error) == ("not an address", "the address cannot be written to")


async def test_mail_given_up_and_put_back_is_sent(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        worker = make_worker(server, attempts=1)
        server.recipient_answer = "451 later"
        await put_in(ABBEY)
        await worker.run_once()
        (failed,) = await worker.failed()
        clock.advance(seconds=90)
        await put_in("waiting@example.com", kind=MailKind.INVITATION)
        counts = await worker.counts()
        server.recipient_answer = ""

        assert await worker.retry(failed.id + 1000) == 0
        assert await worker.retry(failed.id) == 1
        assert await worker.run_once() == 2

        assert (counts.pending, counts.failed, counts.oldest_pending_at) == (1, 1, clock.now())
        assert clock.now() - failed.created_at == timedelta(seconds=90)
        counts = await worker.counts()
        assert (counts.pending, counts.failed, counts.oldest_pending_at) == (0, 0, None)


async def test_starttls_and_a_password_let_a_mail_in(clock: FakeClock, tmp_path: Path) -> None:
    server_tls, client_tls = self_signed(tmp_path)
    async with smtp_server(tls=server_tls, users={"gatepost": "p@ss:word"}) as server:
        url = parse_mail_url(server.url("?starttls=yes", user="gatepost:p%40ss%3Aword"))

        await SmtpTransport(url, ehlo_name=NAME, tls=client_tls).send(_message(clock))

        assert server.is_encrypted == [True]


async def test_wrong_password_can_be_mended_and_is_not_told(clock: FakeClock, tmp_path: Path) -> None:
    server_tls, client_tls = self_signed(tmp_path)
    async with smtp_server(tls=server_tls, users={"gatepost": "right"}) as server:
        url = parse_mail_url(server.url("?starttls=yes", user="gatepost:wrong-secret"))

        with pytest.raises(MailNotSent, match="refuses the user and password of MAIL_URL with 535") as refused:
            await SmtpTransport(url, ehlo_name=NAME, tls=client_tls).send(_message(clock))

        assert "wrong-secret" not in str(refused.value) + repr(url)


async def test_smtps_is_encrypted_from_the_start(clock: FakeClock, tmp_path: Path) -> None:
    server_tls, client_tls = self_signed(tmp_path)
    async with smtp_server(tls=server_tls, from_the_start=True) as server:
        await SmtpTransport(parse_mail_url(server.url()), ehlo_name=NAME, tls=client_tls).send(_message(clock))

        assert server.is_encrypted == [True]


async def test_mail_does_not_leave_unencrypted_where_starttls_is_missing(clock: FakeClock) -> None:
    async with smtp_server() as server:
        with pytest.raises(MailNotSent):
            await SmtpTransport(parse_mail_url(server.url("?starttls=yes")), ehlo_name=NAME).send(_message(clock))

        assert (server.tries, server.received) == (0, [])


@pytest.mark.parametrize("from_the_start", [False, True])
async def test_server_with_an_unknown_certificate_gets_nothing(
    clock: FakeClock, tmp_path: Path, from_the_start: bool
) -> None:
    server_tls, _ = self_signed(tmp_path)
    async with smtp_server(tls=server_tls, from_the_start=from_the_start) as server:
        url = parse_mail_url(server.url("" if from_the_start else "?starttls=yes"))

        with pytest.raises(MailNotSent):
            await SmtpTransport(url, ehlo_name=NAME).send(_message(clock))

        assert (server.tries, server.received) == (0, [])


async def test_address_beyond_ascii_is_delivered(clock: FakeClock) -> None:
    async with smtp_server() as server:
        transport = SmtpTransport(parse_mail_url(server.url()), ehlo_name=NAME)

        await transport.send(_message(clock, to="jörg@bücher.example"))

        assert server.recipients == ["jörg@xn--bcher-kva.example"]


async def test_server_that_cannot_write_beyond_ascii_refuses_for_good(clock: FakeClock) -> None:
    async with smtp_server(knows_utf8=False) as server:
        with pytest.raises(MailRefused, match="non-ASCII characters"):
            await SmtpTransport(parse_mail_url(server.url()), ehlo_name=NAME).send(
                _message(clock, to="jörg@example.com")
            )


def _message(clock: FakeClock, *, to: str = ABBEY) -> EmailMessage:
    messages = Messages(Templates(product="Gatepost"), clock, sender=read_sender("no-reply@example.com"))
    return messages.compose(PreparedMail(to, "en", "send_test", {}))
