"""Why a mail does not leave, in the words of each cause, and the name that we give the server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatepost.core.settings.mail import parse_mail_url, read_sender
from gatepost.mail.errors import MailError, MailNotSent, MailRefused
from gatepost.mail.messages import Messages
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.rendering import Templates
from gatepost.mail.smtp import SmtpTransport
from tests.support.clock import FakeClock
from tests.support.smtp import self_signed, smtp_server

ABBEY = "abbey.salami@example.com"
LINK = "https://auth.example.com/verify-email#token=gpt_0123456789abcdefghijklmnopqrstuvwxyz"


@asynccontextmanager
async def scripted(answers: Mapping[str, str], heard: list[str]) -> AsyncIterator[int]:
    """Give the port of a server that answers each command as it is told, and `250 OK` to all others."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get("", "220 mail.example").encode() + b"\r\n")
        while line := (await reader.readline()).decode().strip():
            heard.append(line)
            writer.write(answers.get(line.split()[0].upper(), "250 OK").encode() + b"\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def refusal(url: str, *, to: str = ABBEY, ehlo_name: str = "auth.example.com") -> MailError:
    """Return why a mail was not taken."""
    sender = read_sender("Gatepost <no-reply@example.com>")
    messages = Messages(Templates(product="Gatepost"), FakeClock(), sender=sender)
    with pytest.raises(MailError) as refused:
        await SmtpTransport(parse_mail_url(url), ehlo_name=ehlo_name).send(
            messages.compose(PreparedMail(to, "en", "send_test", {}))
        )
    return refused.value


async def test_what_a_server_does_not_offer_is_named() -> None:
    user = "gatepost:hunter2@"
    for answers, url, words in (
        ({}, "smtp://127.0.0.1:{}?starttls=yes", "the server offers no STARTTLS; use smtps://"),
        ({"EHLO": "502 what?"}, "smtp://127.0.0.1:{}?starttls=yes", "the server offers no STARTTLS"),
        ({}, f"smtp://{user}127.0.0.1:{{}}", "the server offers no sign-in without encryption (AUTH)"),
        (
            {"EHLO": "250-mail.example\r\n250 AUTH GSSAPI XOAUTH2"}, f"smtp://{user}127.0.0.1:{{}}",
            "the server offers sign-in by GSSAPI, XOAUTH2 only, but the client supports CRAM-MD5, PLAIN, LOGIN",
        ),
    ):  # fmt: skip
        heard: list[str] = []
        async with scripted(answers, heard) as port:
            error = await refusal(url.format(port))

        assert isinstance(error, MailNotSent)
        assert str(error).startswith(words)
        assert not any(line.startswith(("AUTH", "MAIL")) for line in heard)


async def test_what_a_server_refuses_is_told_in_its_words_without_what_it_repeats() -> None:
    said = f"5.7.1 <{ABBEY}> of hunter2\x1b[2J, see https://help.example/x?user={ABBEY} and {LINK}"
    left = "5.7.1 <…> of …[2J, see https://help.example/… and https://auth.example.com/…".replace("…[2J", "… [2J")
    auth = {"EHLO": "250-mail.example\r\n250 AUTH PLAIN"}
    for command, answers, words, kind in (
        ("", {}, "the server answers 554", MailNotSent),
        ("AUTH", auth, "the server refuses the user and password of MAIL_URL with 535", MailNotSent),
        ("AUTH", auth, "the server answers 454", MailNotSent),
        ("MAIL", auth, "the server refuses the sender, MAIL_FROM, with 550", MailNotSent),
        ("MAIL", auth, "the server answers 451", MailNotSent),
        ("RCPT", auth, "the server refuses the recipient with 550", MailRefused),
        ("RCPT", auth, "the server answers 450", MailNotSent),
        ("RCPT", auth, "the server answers 530", MailNotSent),
        ("HELO", {"EHLO": "550 no"}, "the server refuses the name MAIL_EHLO_NAME with 501", MailNotSent),
    ):
        user = "" if command in ("", "HELO") else "gatepost:hunter2@"
        signed_in = {"AUTH": "235 in"} if command in ("MAIL", "RCPT") else {}
        async with scripted({**answers, **signed_in, command: f"{words.split()[-1]} {said}"}, []) as port:
            error = await refusal(f"smtp://{user}127.0.0.1:{port}" + ("" if user else "?starttls=no"))

        assert type(error) is kind, command
        expected = left if user else left.replace("of …", "of hunter2")
        assert str(error) == f"{words}: {expected}", command


async def test_local_part_of_the_recipient_is_told_to_nobody() -> None:
    async with scripted({"RCPT": "550 unknown user ABBEY.SALAMI, not abbey.salamis"}, []) as port:
        error = await refusal(f"smtp://127.0.0.1:{port}")

    assert str(error) == "the server refuses the recipient with 550: unknown user …, not abbey.salamis"


async def test_what_the_network_and_tls_do_is_told(tmp_path: Path) -> None:
    server_tls, _ = self_signed(tmp_path)
    async with smtp_server(tls=server_tls) as server, smtp_server(tls=server_tls, from_the_start=True) as smtps:
        untrusted = await refusal(server.url("?starttls=yes"))
        untrusted_from_the_start = await refusal(smtps.url())
        no_tls = await refusal(f"smtps://127.0.0.1:{server.port}")
    async with scripted({"": "220 hello", "EHLO": "421 bye"}, []) as port:
        closing = await refusal(f"smtp://127.0.0.1:{port}")
    async with scripted({"": "HTTP/1.1 400 Bad Request"}, []) as port:
        other = await refusal(f"smtp://127.0.0.1:{port}")

    assert str(untrusted) == f"the certificate of 127.0.0.1:{server.port} is not trusted: self-signed certificate"
    assert (
        str(untrusted_from_the_start)
        == f"the certificate of 127.0.0.1:{smtps.port} is not trusted: self-signed certificate"
    )
    assert str(no_tls) == f"TLS with 127.0.0.1:{server.port} failed: the server there does not speak TLS"
    assert str(other).startswith(f"the server at 127.0.0.1:{port} does not speak SMTP: ")
    assert "421" in str(closing) or "closed the connection" in str(closing)
    assert str(await refusal("smtp://nowhere.invalid")) == (
        "the host nowhere.invalid is unknown: no address was found for this name"
    )


async def test_check_goes_up_to_the_sign_in_and_sends_nothing(tmp_path: Path) -> None:
    heard: list[str] = []
    async with scripted({"EHLO": "250-mail.example\r\n250 AUTH PLAIN", "AUTH": "235 in"}, heard) as port:
        url = parse_mail_url(f"smtp://gatepost:x@127.0.0.1:{port}")

        await SmtpTransport(url, ehlo_name="auth.example.com").check()

    assert [line.split()[0] for line in heard] == ["EHLO", "AUTH", "QUIT"]


async def test_server_hears_the_name_that_was_chosen() -> None:
    for name in ("auth.example.com", "[192.0.2.1]"):
        heard: list[str] = []
        async with scripted({"RCPT": "550 no"}, heard) as port:
            await refusal(f"smtp://127.0.0.1:{port}", ehlo_name=name)

        assert heard[0] == f"EHLO {name}"


async def test_international_domain_of_the_sender_goes_as_a_label() -> None:
    sender = read_sender("Bücher <post@bücher.example>")
    messages = Messages(Templates(product="Bücher"), FakeClock(), sender=sender)
    async with smtp_server() as server:
        transport = SmtpTransport(parse_mail_url(server.url()), ehlo_name="auth.example.com")

        await transport.send(messages.compose(PreparedMail(ABBEY, "en", "send_test", {})))

    (mail,) = server.received
    assert server.senders == ["post@xn--bcher-kva.example"]
    assert mail["From"].addresses[0].addr_spec == "post@xn--bcher-kva.example"
    assert mail["From"].addresses[0].display_name == "Bücher"
    assert mail["Message-ID"].endswith("@xn--bcher-kva.example>")
