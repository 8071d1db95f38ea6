"""Messages: what people choose adds no header and no recipient."""

from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from pathlib import Path

import pytest

from gatepost.mail.errors import MailRefused
from gatepost.mail.examples import example
from gatepost.mail.messages import Messages
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.rendering import Templates
from gatepost.mail.transports import ConsoleTransport, FileTransport
from tests.support.clock import FakeClock

HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
    "Content-Type", "Content-Language",
}  # fmt: skip


def _messages(folder: Path | None = None) -> Messages:
    sender = Address("Gatepost", "no-reply", "example.com")
    return Messages(Templates(folder, product="Gatepost"), FakeClock(), sender=sender)


def _mail(address: str = "abbey.salami@example.com", **context: str) -> PreparedMail:
    made_up = example(MailKind.NEW_DEVICE, language="en", public_url="http://localhost:8080", clock=FakeClock())
    return PreparedMail(address, "en", made_up.template, {**made_up.context, **context})


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: b@example.com", "a@example.com\nBcc: b@example.com", "a@example.com, b@example.com",
        "a@example.com;b@example.com", "Abbey <a@example.com>", '"a@evil.example" <b@example.com>', "a@b@example.com",
        "a b@example.com", "a@example.com\u2028Bcc: b@example.com", "a\0@example.com", "@example.com", "a@", "",
        "a@exa mple.com", "<a@example.com>", "(x)a@example.com",
    ],
)  # fmt: skip
def test_address_that_is_not_one_plain_address_gets_nothing(address: str) -> None:
    with pytest.raises(MailRefused, match="the address cannot be written to"):
        _messages().compose(_mail(address))


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [
        ("abbey+news@example.com", "abbey+news@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("abbey@bücher.example", "abbey@xn--bcher-kva.example"),
        ("jörg@example.com", "jörg@example.com"),
        ("root@localhost", "root@localhost"),
        ("abbey@straße.example", "abbey@xn--strae-oqa.example"),
        ("abbey@example.test", "abbey@example.test"),
    ],
)
def test_address_is_the_only_recipient(address: str, on_the_wire: str) -> None:
    recipients = _messages().compose(_mail(address))["To"].addresses

    assert [recipient.addr_spec for recipient in recipients] == [on_the_wire]


@pytest.mark.parametrize(
    "words", ["x\r\nBcc: evil@example.com", "x\n\n<b>", "x\u2029Bcc: y", "=?utf-8?q?x=0ABcc?=", '",']
)
def test_words_in_a_subject_add_no_header(tmp_path: Path, words: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "new_device.txt.j2").write_text(
        "{% block subject %}{{ username }}: {{ link }}{% endblock %}{{ at | moment }}"
    )

    message = _messages(tmp_path).compose(_mail(username=words, link=words))
    read = message_from_bytes(message.as_bytes(), policy=default)

    assert set(message.keys()) == set(read.keys()) == HEADERS
    assert len(read.keys()) == len(HEADERS)
    assert "\n" not in str(message["Subject"])


@pytest.mark.parametrize("words", ["Žluťoučký 李小龍 🐎 " * 8, "a plain one " * 20, "=?utf-8?q?x=41?=", "ö" * 200])
def test_subject_is_read_as_it_was_written(tmp_path: Path, words: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "new_device.txt.j2").write_text("{% block subject %}{{ username }}{% endblock %}")
    name = words.strip()

    message = _messages(tmp_path).compose(_mail(username=name))

    assert message_from_bytes(message.as_bytes(), policy=default)["Subject"] == name


def test_no_line_is_longer_than_mail_allows() -> None:
    content = _messages().compose(_mail(not_me_link="http://localhost:8080/" + "x" * 2000)).as_bytes()

    assert max(len(line) for line in content.split(b"\r\n")) <= 78


async def test_console_shows_the_mail_with_its_link(capsys: pytest.CaptureFixture[str]) -> None:
    await ConsoleTransport().send(_messages().compose(_mail()))

    shown = capsys.readouterr().out
    assert "Mail to abbey.salami@example.com\nSubject: New sign-in to your account\n" in shown
    assert "\nhttp://localhost:8080/not-me#token=gpt_example\n" in shown


async def test_folder_gets_a_file_a_mail_that_only_its_owner_reads(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path / "new" / "mail")

    for address in ("abbey@example.com", "jörg@example.com"):
        await transport.send(_messages().compose(_mail(address)))

    files = sorted((tmp_path / "new" / "mail").iterdir())
    mails = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert mails[0]["To"] == "abbey@example.com"
    assert "To: jörg@example.com\r\n".encode() in files[1].read_bytes()
