"""`gatepost mail`, as an operator runs it."""

import json
import sqlite3
import subprocess
from pathlib import Path

from gatepost.mail.outbox import MailKind
from tests.support.server import COMMAND, run_gatepost, server_env

ADDRESS = "abbey.salami@example.com"
FAILED_ROW = (
    "INSERT INTO mail_outbox (kind, address, language, data, created_at, due_at, attempts, failed_at, last_error) "
    "VALUES ('verify_email', ?, 'en', '{}', '2026-11-23 19:00:00', NULL, 12, '2026-11-25 08:30:00', "
    "'the server answers 451')"
)


def _refused(*arguments: str, folder: Path, **env: str) -> str:
    result = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=server_env(**env), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0, result.stdout
    return result.stderr or result.stdout


def test_given_up_mail_is_listed_and_put_back(tmp_path: Path) -> None:
    run_gatepost("migrate", folder=tmp_path)
    with sqlite3.connect(tmp_path / "data" / "gatepost.db") as database:
        for address in (ADDRESS, "grace@example.com", "ada@example.com"):
            database.execute(FAILED_ROW, (address,))
    database.close()

    listed = run_gatepost("mail", "failed", folder=tmp_path)
    as_json = json.loads(run_gatepost("mail", "failed", "--json", folder=tmp_path))
    unknown = _refused("mail", "retry", "4711", folder=tmp_path)
    neither = _refused("mail", "retry", folder=tmp_path)
    one = run_gatepost("mail", "retry", "1", folder=tmp_path)
    rest = run_gatepost("mail", "retry", "--all", folder=tmp_path)
    after = run_gatepost("mail", "failed", folder=tmp_path)

    assert listed.splitlines()[0].split() == ["ID", "GIVEN", "UP", "KIND", "ADDRESS", "TRIES", "REASON"]
    assert listed.splitlines()[1].split(maxsplit=6) == [
        "1", "2026-11-25", "08:30", "verify_email", ADDRESS, "12", "the server answers 451",
    ]  # fmt: skip
    assert len(listed.splitlines()) == 4
    assert as_json[0] == {
        "id": 1, "kind": "verify_email", "email": ADDRESS, "createdAt": "2026-11-23T19:00:00Z",
        "failedAt": "2026-11-25T08:30:00Z", "attempts": 12, "reason": "the server answers 451",
    }  # fmt: skip
    assert "no mail 4711 was given up" in unknown
    assert "give the id of a mail, or --all" in neither
    assert (one, rest, after) == ("1 queued again\n", "2 queued again\n", "none\n")


def test_preview_in_a_language_without_templates_is_refused(tmp_path: Path) -> None:
    assert "there are no mails in xx; there are in de, en" in _refused(
        "mail", "preview", "new_device", "--language", "xx", folder=tmp_path
    )


def test_preview_shows_every_kind_or_writes_it(tmp_path: Path) -> None:
    shown = run_gatepost("mail", "preview", folder=tmp_path)
    one = run_gatepost("mail", "preview", "reset_password", "--language", "de-AT", folder=tmp_path)
    run_gatepost("mail", "preview", "--language", "de", "--folder", "out", folder=tmp_path)

    assert shown.count("#token=gpt_example") == 21
    assert "Passwort zurücksetzen" in one
    assert "Bestätigen" not in one
    # As a file for mail programs, as HTML and as text.
    assert len(list((tmp_path / "out" / "de").iterdir())) == 3 * len(MailKind)
    assert "<html" in (tmp_path / "out" / "de" / "new_device.html").read_text()


def test_broken_template_is_named(tmp_path: Path) -> None:
    (tmp_path / "mail" / "en").mkdir(parents=True)
    (tmp_path / "mail" / "en" / "new_device.txt.j2").write_text("{% block subject %}x{% endblock %}{{ lnik }}")

    said = _refused("mail", "preview", "new_device", folder=tmp_path, MAIL_TEMPLATES="mail")

    doctor = _refused("doctor", folder=tmp_path, MAIL_TEMPLATES="mail")

    assert said == "gatepost: the template new_device is broken: 'lnik' is undefined\n"
    assert "a mail cannot be rendered: en: the template new_device is broken: 'lnik' is undefined" in doctor
    assert doctor.count("a mail cannot be rendered") == 1


def test_test_mail_tries_the_transport(tmp_path: Path) -> None:
    run_gatepost("mail", "send-test", ADDRESS, folder=tmp_path, env=server_env(MAIL_URL="file:out"))
    said = _refused("mail", "send-test", ADDRESS, folder=tmp_path, MAIL_URL="smtp://127.0.0.1:1")

    assert len(list((tmp_path / "out").glob("*.eml"))) == 1
    assert said == ("gatepost: nothing listens at 127.0.0.1:1: the server is down, or the port is another one\n")


def test_doctor_refuses_mail_that_others_can_read_in_production(tmp_path: Path) -> None:
    production = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "xB7-kQ2_vN9-pL4_zR8-wT3_yH6-mJ1_cF5",
        "SQLITE_IN_PRODUCTION": "true",
        "PUBLIC_URL": "https://auth.example.com",
    }

    printed = _refused("doctor", folder=tmp_path, **production)
    plain = _refused("doctor", folder=tmp_path, **production, MAIL_URL="smtp://u:hunter2@mail.example?starttls=no")

    assert "MAIL_URL: mails, with links that give access to accounts, would be printed to the log" in printed
    assert "MAIL_URL: with starttls=no, mails with links that give access to accounts are sent unencrypted" in plain
    assert "hunter2" not in plain
