"""`gatepost.sdk`: routes of other services that want a fresher or a stronger proof (RFC 9470)."""

from dataclasses import replace

import pytest

from gatepost.composition.services import Services
from gatepost.identity.tokens.principal import Acr
from tests.features.sdk.conftest import MakeGatepost, Notes
from tests.support.api import PASSWORD, Api, bearer
from tests.support.attacks.target import signed_anew
from tests.support.clock import FakeClock
from tests.support.factors import prove_again, refreshed, set_up_app
from tests.support.passkeys import add_passkey, pass_time, prove_with, sign_in_with

CHALLENGE = 'Bearer error="insufficient_user_authentication", error_description="Please confirm that it is you.", '


async def test_old_proof_is_401_until_there_is_a_fresh_one(api: Api, notes: Notes, clock: FakeClock) -> None:
    person = await api.sign_up()
    assert (await notes.api.get("/fresh", headers=person.headers)).status_code == 200
    clock.advance(seconds=21)

    refused = await notes.api.get("/fresh", headers=person.headers)

    assert refused.status_code == 401
    detail = {"code": "step_up_required", "message": "Please confirm that it is you.", "maxAge": 20}
    assert refused.json()["detail"] == detail
    assert refused.headers["www-authenticate"] == CHALLENGE + 'max_age="20"'
    assert (await notes.api.get("/me", headers=person.headers)).status_code == 200
    proved = await prove_again(api, person, PASSWORD, "password")
    assert (await notes.api.get("/fresh", headers=proved.headers)).status_code == 200


async def test_one_factor_is_401_where_two_are_wanted(api: Api, services: Services, notes: Notes) -> None:
    person = await api.sign_up()

    refused = await notes.api.get("/sure", headers=person.headers)

    assert (refused.status_code, refused.json()["detail"]["code"]) == (401, "step_up_required")
    assert refused.json()["detail"]["acrValues"] == [Acr.TWO_FACTORS, Acr.PHISHING_RESISTANT]
    values = 'acr_values="urn:gatepost:acr:2 urn:gatepost:acr:phr"'
    assert refused.headers["www-authenticate"] == CHALLENGE + values
    await set_up_app(api, services, person)
    raised = await refreshed(api, person)
    assert (await notes.api.get("/sure", headers=raised.headers)).json() == {"acr": Acr.TWO_FACTORS}


@pytest.mark.both_databases
async def test_fresh_code_makes_no_old_passkey_fresh(
    api: Api, services: Services, notes: Notes, clock: FakeClock
) -> None:
    person = await api.sign_up()
    app = await set_up_app(api, services, person)
    browser = await add_passkey(api, services, await refreshed(api, person))
    signed_in = (await sign_in_with(api, browser)).json()
    person = replace(person, access_token=signed_in["accessToken"], refresh_token=signed_in["refreshToken"])
    assert (await notes.api.get("/vault", headers=person.headers)).json() == {"acr": Acr.PHISHING_RESISTANT}
    await pass_time(services, clock, seconds=25)

    confirmed = await prove_again(api, person, app.code(clock.now(), away=1))

    assert (await notes.api.get("/fresh", headers=confirmed.headers)).json() == {"acr": Acr.TWO_FACTORS}
    refused = await notes.api.get("/vault", headers=confirmed.headers)
    assert (refused.status_code, refused.json()["detail"]["acrValues"]) == (401, [Acr.PHISHING_RESISTANT])
    shown = await prove_with(api, confirmed, browser)
    assert (await notes.api.get("/vault", headers=shown.headers)).json() == {"acr": Acr.PHISHING_RESISTANT}


@pytest.mark.parametrize(
    ("acr", "status"),
    [
        (Acr.ONE_FACTOR, 401),
        (Acr.TWO_FACTORS, 200),
        (Acr.PHISHING_RESISTANT, 200),
        ("urn:gatepost:acr:3", 401),
        ("URN:GATEPOST:ACR:2", 401),
        ("", 401),
    ],
)
async def test_what_a_token_says_of_its_proof_is_read_to_the_letter(
    api: Api, services: Services, notes: Notes, acr: str, status: int
) -> None:
    person = await api.sign_up()
    token = signed_anew(person.access_token, services.identity.keys.signing, acr=acr)

    assert (await notes.api.get("/sure", headers=bearer(token))).status_code == status


async def test_acr_that_nobody_has_is_a_mistake_of_the_program(make_gatepost: MakeGatepost) -> None:
    with pytest.raises(ValueError, match="urn:gatepost:acr:9"):
        make_gatepost().require_acr("urn:gatepost:acr:9")
