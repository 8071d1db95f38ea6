"""Twenty people who want one name at the same moment, at two processes."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from gatepost.identity.accounts.models import User
from tests.support.api import PASSWORD
from tests.support.workers import Workers, at_once, codes

ROUNDS = 5
AT_ONCE = 20
# Full width Latin letters lie this far from the plain ones.
WIDER = 0xFEE0


def wide(name: str) -> str:
    """Write a name in full width letters."""
    return "".join(chr(ord(letter) + WIDER) if letter.isascii() and letter.isalnum() else letter for letter in name)


SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.upper, str.title, wide)


@pytest.mark.parametrize("addresses", [1, AT_ONCE])
async def test_name_goes_to_exactly_one_however_it_is_spelled(workers: Workers, addresses: int) -> None:
    for _ in range(ROUNDS):
        name = f"abbey {uuid.uuid4().hex}"
        bodies = [
            {
                "username": SPELLINGS[index % len(SPELLINGS)](name),
                "email": f"{uuid.uuid5(uuid.NAMESPACE_DNS, name).hex}.{index % addresses}@example.com",
                "password": PASSWORD,
            }
            for index in range(AT_ONCE)
        ]

        answers = await at_once(
            api.post("/api/auth/signup", json=body) for api, body in zip(workers.in_turn(AT_ONCE), bodies, strict=True)
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [400] * (AT_ONCE - 1)
        assert codes(answers) == ["username_taken"] * (AT_ONCE - 1)
        async with workers.database.read() as tx:
            assert await tx.scalar(select(func.count()).where(User.username_canonical == name)) == 1


async def test_address_goes_to_exactly_one(workers: Workers) -> None:
    address = f"{uuid.uuid4().hex}@example.com"

    answers = await at_once(
        api.post("/api/auth/signup", json={"username": uuid.uuid4().hex, "email": address, "password": PASSWORD})
        for api in workers.in_turn(AT_ONCE)
    )

    assert codes(answers) == ["email_taken"] * (AT_ONCE - 1)


async def test_different_people_at_once_all_get_their_accounts(workers: Workers) -> None:
    names = [uuid.uuid4().hex for _ in range(2 * AT_ONCE)]

    answers = await at_once(
        api.post("/api/auth/signup", json={"username": name, "email": f"{name}@example.com", "password": PASSWORD})
        for api, name in zip(workers.in_turn(len(names)), names, strict=True)
    )

    assert [answer.status_code for answer in answers] == [201] * len(names)
    assert len({answer.json()["id"] for answer in answers}) == len(names)
