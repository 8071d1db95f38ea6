"""Administration's routes on one's own account: what has a route of its own goes there, with its password."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.features.admin.conftest import MakePerson
from tests.support.api import Api, Person, assert_problem

URL = "/api/admin/users"

Act = Callable[[Api, str, dict[str, str]], Awaitable[httpx.Response]]


def patch(**body: object) -> Act:
    """Return an act that changes an account so."""
    return lambda api, url, headers: api.patch(url, json=body, headers=headers)


def post(path: str) -> Act:
    """Return an act that has no body."""
    return lambda api, url, headers: api.post(f"{url}/{path}", headers=headers)


OWN: dict[str, tuple[Act, str]] = {
    "address": (patch(email="thief@example.com"), "POST /api/auth/email/change"),
    "proof": (patch(emailVerified=True), "POST /api/auth/email/change"),
    "name": (patch(username="Somebody Else"), "PATCH /api/users/me"),
    "language": (patch(language="de"), "PATCH /api/users/me"),
    "nothing": (patch(), "PATCH /api/users/me"),
    "deletion": (lambda api, url, headers: api.delete(url, headers=headers), "DELETE /api/users/me"),
    "disabling": (post("disable"), "ask another administrator"),
    "sign-out": (post("signout"), "POST /api/auth/signout-all"),
    "password": (post("password/reset"), "POST /api/auth/password/change"),
}


@pytest.mark.parametrize("act", OWN)
async def test_what_has_a_route_of_its_own_is_not_done_to_oneself_here(
    api: Api, admin: Person, person_with: MakePerson, act: str
) -> None:
    await person_with("Second", "admin")
    do, route = OWN[act]
    url = f"{URL}/{admin.id}"
    before = (await api.get(url, headers=admin.headers)).json()

    answer = await do(api, url, admin.headers)

    assert route in assert_problem(answer, 403, "own_account")["message"]
    assert (await api.get(url, headers=admin.headers)).json() == before
    assert (await api.sign_in("Root")).id == admin.id


@pytest.mark.parametrize("act", OWN)
async def test_it_is_done_to_others(api: Api, admin: Person, act: str) -> None:
    person = await api.sign_up("Abbey Salami")

    assert (await OWN[act][0](api, f"{URL}/{person.id}", admin.headers)).is_success


async def test_roles_can_be_given_up_here_since_no_other_route_does_it(
    api: Api, admin: Person, person_with: MakePerson
) -> None:
    await person_with("Second", "admin")

    answer = await api.put(f"{URL}/{admin.id}/roles", json={"roles": ["user"]}, headers=admin.headers)

    assert answer.json()["roles"] == ["user"]
