"""Secrets and codes of second factors are in one answer each, and nowhere else."""

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.core.settings import LogFormat, LogLevel
from gatepost.identity.assurance.models import PendingSignIn
from gatepost.identity.credentials.totp.uri import secret_text
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from gatepost.mail.models import OutboxMail
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.factors import ME, go_on, pending_token, refreshed, set_up_app
from tests.support.log import Log, logging_as_served


async def test_secrets_are_shown_once(
    make_services: MakeServices, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    log = Log(capfd)
    services = make_services(log_level=LogLevel.DEBUG, log_format=LogFormat.JSON)
    async with started(services) as running, http_client(running) as client:
        api = Api(client)
        with logging_as_served(services.settings):
            person = await api.sign_up()
            app = await set_up_app(api, services, person)
            clock.advance(seconds=25)
            token, code = await pending_token(api, person), app.code(clock.now(), away=1)
            answers = [
                await go_on(api, token, app.recovery_codes[9], "totp"),
                await go_on(api, token, code, "recovery_code"),
                await go_on(api, token, code[:-1] + "x"),
                await go_on(api, token, code),
                await go_on(api, await pending_token(api, person), app.recovery_codes[0], "recovery_code"),
                await api.get(f"{ME}/factors", headers=person.headers),
                await api.get(f"{ME}/export", headers=person.headers),
                await api.post(f"{ME}/totp", headers=(await refreshed(api, person)).headers),
            ]
    tables = (AuditEntry, OutboxMail, PendingSignIn, TotpSecret, RecoveryCodes)
    async with services.platform.database.read() as tx:
        rows = {
            model.__tablename__: str((await tx.execute(select(*model.__table__.columns))).all()) for model in tables
        }

    assert [answer.status_code for answer in answers] == [401, 401, 401, 200, 200, 200, 200, 409]
    codes = [code.replace("-", "") for code in app.recovery_codes]
    secrets = [secret_text(app.secret), token, *app.recovery_codes, *codes]
    places = {"log": log.text, "answers": "".join(answer.text for answer in answers), **rows}
    for place, text in places.items():
        told = [secret for secret in secrets if secret in text]
        assert told == [], place
    # Six digits may be in anything, but not by themselves.
    assert f'"{code}"' not in log.text + rows["audit_log"] + rows["mail_outbox"]
