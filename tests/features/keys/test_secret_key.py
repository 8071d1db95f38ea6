"""SECRET_KEY: replacing it loses nothing, and a wrong one is told."""

import base64

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import JwtAlgorithm
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.identity.keys.models import StoredKey
from tests.conftest import SECRET, MakeServices, MakeSettings, http_client, started
from tests.features.keys.conftest import every_algorithm
from tests.support.api import Api, Person, assert_problem
from tests.support.commands import run_command

NEW = "tomorrows-9876543210-zyxwvutsrqponmlkjihgfedcba"


@pytest.fixture
async def person(services: Services) -> Person:
    """Return somebody who has signed in while SECRET was in force."""
    async with started(services) as app, http_client(app) as client:
        return await Api(client).sign_up()


@every_algorithm
async def test_secret_is_replaced_in_two_steps_and_nobody_is_signed_out(
    person: Person, make_services: MakeServices, algorithm: JwtAlgorithm, database: Database
) -> None:
    both = make_services(jwt_algorithm=algorithm, secret_key=NEW, secret_key_previous=SECRET)
    before = await _stored(database)
    async with started(both) as app, http_client(app) as client:
        api = Api(client)
        assert (await api.user_board(person.access_token)).status_code == 200
        refreshed = await api.refresh(person.refresh_token)
        assert refreshed.status_code == 200
    after = await _stored(database)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())

    new_alone = make_services(jwt_algorithm=algorithm, secret_key=NEW)
    async with started(new_alone) as app, http_client(app) as client:
        api = Api(client)
        assert (await api.user_board(person.access_token)).status_code == 200
        again = await api.refresh(refreshed.json()["refreshToken"])
        assert again.status_code == 200
        assert (await api.user_board(again.json()["accessToken"])).status_code == 200
        assert await _stored(database) == after


@pytest.mark.both_databases
@pytest.mark.parametrize("place", [0, 9, 40, -1])
async def test_stored_key_that_was_changed_is_not_opened(
    person: Person, make_services: MakeServices, database: Database, place: int
) -> None:
    """Version, vector, text or MAC: one bit is enough."""
    async with database.begin() as tx:
        key = (await tx.scalars(select(StoredKey).where(StoredKey.slot.endswith(":active")))).one()
        encrypted = bytearray(base64.urlsafe_b64decode(key.encrypted_pem))
        encrypted[place] ^= 1
        key.encrypted_pem = base64.urlsafe_b64encode(encrypted).decode()

    with pytest.raises(SigningKeyError, match="SECRET_KEY does not open the signing keys"):
        await make_services().start()


async def test_refresh_token_of_a_dropped_secret_is_refused(
    person: Person, make_services: MakeServices, algorithm: JwtAlgorithm
) -> None:
    async with started(make_services(jwt_algorithm=algorithm, secret_key=NEW, secret_key_previous=SECRET)):
        pass
    async with started(make_services(jwt_algorithm=algorithm, secret_key=NEW)) as app, http_client(app) as client:
        api = Api(client)

        assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
        assert (await api.user_board(person.access_token)).status_code == 200


async def test_replicas_that_read_the_coming_secret_first_lose_nothing_in_between(
    person: Person, make_services: MakeServices, algorithm: JwtAlgorithm
) -> None:
    ready = make_services(jwt_algorithm=algorithm, secret_key=SECRET, secret_key_previous=NEW)
    moved = make_services(jwt_algorithm=algorithm, secret_key=NEW, secret_key_previous=SECRET)
    async with (
        started(ready) as ready_app, http_client(ready_app) as ready_client,
        started(moved) as moved_app, http_client(moved_app) as moved_client,
    ):  # fmt: skip
        refreshed = await Api(moved_client).refresh(person.refresh_token)
        back = await Api(ready_client).refresh(refreshed.json()["refreshToken"])

        assert (refreshed.status_code, back.status_code) == (200, 200)
        await ready.admin.key_rotation.rotate(force=True)
        await moved.identity.keys.load()
        await ready.identity.keys.load()
        assert moved.identity.keys.signing.kid == ready.identity.keys.signing.kid


async def test_any_command_with_both_secrets_encrypts_the_keys_again(
    person: Person, make_settings: MakeSettings, make_services: MakeServices
) -> None:
    both = make_settings(secret_key=NEW, secret_key_previous=SECRET)

    assert (await run_command(both, "keys", "list")).exit_code == 0

    async with started(make_services(secret_key=NEW)) as app, http_client(app) as client:
        assert (await Api(client).user_board(person.access_token)).status_code == 200


async def test_wrong_secret_is_told_and_changes_nothing(
    person: Person, make_services: MakeServices, algorithm: JwtAlgorithm, database: Database
) -> None:
    before = await _stored(database)

    with pytest.raises(SigningKeyError, match="SECRET_KEY does not open the signing keys in the database"):
        await make_services(jwt_algorithm=algorithm, secret_key=NEW).start()

    assert await _stored(database) == before


async def _stored(database: Database) -> dict[str, str]:
    async with database.read() as tx:
        return {key.kid: key.encrypted_pem for key in (await tx.scalars(select(StoredKey))).all()}
