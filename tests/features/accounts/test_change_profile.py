"""Changing one's own account."""

import pytest

from tests.support.api import Api, assert_problem

ME = "/api/users/me"


async def test_new_user_name_makes_older_access_tokens_stale(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.patch(ME, headers=person.headers, json={"username": "Heba Salami"})

    assert (answer.status_code, answer.json()["username"]) == (200, "Heba Salami")
    assert_problem(await api.user_board(person.access_token), 401, "token_stale")
    assert (await api.refresh(person.refresh_token)).status_code == 200
    assert (await api.sign_in("heba salami")).id == person.id


async def test_taken_user_name_is_refused(api: Api) -> None:
    await api.sign_up("Other")
    person = await api.sign_up()

    answer = await api.patch(ME, headers=person.headers, json={"username": "OTHER"})

    assert_problem(answer, 400, "username_taken")


@pytest.mark.both_databases
async def test_own_name_in_another_case_is_not_taken(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.patch(ME, headers=person.headers, json={"username": "ABBEY salami"})

    assert answer.json()["username"] == "ABBEY salami"


async def test_language_of_mails_is_chosen(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.patch(ME, headers=person.headers, json={"language": "de"})

    assert (answer.status_code, answer.json()["language"]) == (200, "de")
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_sign_up_takes_the_language_of_the_browser(api: Api) -> None:
    body = {"username": "Abbey", "email": "abbey@example.com", "password": "correct horse"}
    answer = await api.post("/api/auth/signup", json=body, headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})

    profile = await api.get(ME, headers={"x-access-token": answer.json()["accessToken"]})

    assert profile.json()["language"] == "de"


async def test_unknown_language_is_refused(api: Api) -> None:
    person = await api.sign_up()

    assert_problem(await api.patch(ME, headers=person.headers, json={"language": "xx"}), 422, "validation_failed")


@pytest.mark.parametrize(
    "field",
    [
        {"roles": ["admin"]},
        {"permissions": ["users:read"]},
        {"email": "other@example.com"},
        {"emailVerified": True},
        {"status": "active"},
        {"password": "another horse"},
        {"id": 1},
    ],
    ids=lambda field: next(iter(field)),
)
async def test_what_is_not_ones_own_to_change_is_refused_and_nothing_with_it(
    api: Api, field: dict[str, object]
) -> None:
    person = await api.sign_up()
    before = (await api.get(ME, headers=person.headers)).json()

    answer = await api.patch(ME, headers=person.headers, json={"language": "de", **field})

    body = assert_problem(answer, 422, "validation_failed")
    assert [error["field"] for error in body["errors"]] == list(field)
    assert (await api.get(ME, headers=person.headers)).json() == before
