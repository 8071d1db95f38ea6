"""Password hashes of earlier systems: what is known, what is refused, and how they are checked."""

import base64
import hmac
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from passlib.context import CryptContext
from passlib.hash import argon2

from gatepost.core.crypto.passwords import (
    Passwords,
    UnknownHashError,
    UnusablePasswordError,
    Verdict,
    prepare,
    require_known_hash,
)

TYPED = "correct horse"


def made(scheme: str, *, typed: str = TYPED, **options: Any) -> str:
    """Return a cheap hash as another program stores it."""
    return CryptContext([scheme], **{f"{scheme}__{name}": value for name, value in options.items()}).hash(typed)


def wordpress(typed: str) -> str:
    """Return a hash as WordPress 6.8 stores it."""
    mac = hmac.digest(b"wp-sha384", typed.strip(" \n\r\t\v\0").encode(), "sha384")
    return "$wp" + made("bcrypt", typed=base64.b64encode(mac).decode(), rounds=4, ident="2y")


KNOWN = {
    "2a": made("bcrypt", rounds=4, ident="2a"),
    "2b": made("bcrypt", rounds=4, ident="2b"),
    "2y": made("bcrypt", rounds=4, ident="2y"),
    "bcrypt_sha256": made("bcrypt_sha256", rounds=5),
    "django": made("django_pbkdf2_sha256", rounds=1000),
    "phpass P": made("phpass", rounds=7, ident="$P$"),
    "phpass H": made("phpass", rounds=7, ident="$H$"),
    "argon2id": made("argon2", rounds=1, memory_cost=64, type="ID"),
    "wordpress": wordpress(TYPED),
    "argon2i": made("argon2", rounds=1, memory_cost=64, type="I"),
}


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Give passwords that are cheap to hash."""
    made = Passwords(rounds=4, queue=2)
    yield made
    made.close()


@pytest.mark.parametrize("stored", KNOWN.values(), ids=KNOWN.keys())
async def test_imported_hash_fits_its_password_alone_and_is_to_be_replaced(passwords: Passwords, stored: str) -> None:
    require_known_hash(stored)

    right, wrong = await passwords.verify(TYPED, stored), await passwords.verify("wrong horse", stored)

    assert (right.is_right, right.needs_rehash) == (True, True)
    assert (wrong.is_right, wrong.needs_rehash) == (False, False)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "not known"),
        ("plain text", "not known"),
        ("$2x$" + KNOWN["2b"][4:], "not known"),
        ("$wp$2x$" + KNOWN["2b"][4:], "not known"),
        ("$wp" + KNOWN["django"], "not known"),
        ("$wp" + KNOWN["phpass P"], "not known"),
        ("$wp$wp" + KNOWN["2y"], "not known"),
        ("$wp", "not known"),
        (KNOWN["wordpress"][:-1], "cut off"),
        ("$wp$2y$17$" + KNOWN["2y"][7:], "too long"),
        ("$S$DuV2XlWxbbbbbbbbbbbbbbbbbbbb", "not known"),
        (KNOWN["2b"][:-1], "cut off"),
        (KNOWN["2b"][:29], "cut off"),
        (KNOWN["django"][:-3], "cut off"),
        (KNOWN["phpass P"][:-1], "cut off"),
        ("$2b$17$" + KNOWN["2b"][7:], "too long"),
        ("pbkdf2_sha256$5000001$" + KNOWN["django"].split("$", 2)[2], "too long"),
        ("$P$S" + KNOWN["phpass P"][4:], "too long"),
        (KNOWN["argon2id"].replace("m=64", "m=4194304"), "too long"),
    ],
    # Hashes are other ones each time, and the names of tests are not.
    ids=range(19),
)
def test_hash_that_no_password_can_be_checked_against_is_refused(stored: str, reason: str) -> None:
    with pytest.raises(UnknownHashError, match=reason) as refused:
        require_known_hash(stored)

    assert stored not in str(refused.value)


def test_argon2_without_its_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "has_backend", lambda: False)

    with pytest.raises(UnknownHashError, match=r"pip install 'gatepost\[argon2\]'"):
        require_known_hash(KNOWN["argon2id"])


async def test_password_that_was_hashed_as_it_was_typed_still_fits(passwords: Passwords) -> None:
    typed = "cafe\u0301 au lait"
    stored = made("bcrypt", typed=typed, rounds=4)

    assert (await passwords.verify(typed, stored)).is_right
    assert not (await passwords.verify("caf\u00e9 au lai", stored)).is_right


# Neither can be prepared: a control character, and an emoji that is several characters.
UNPREPARED = ("correct\thorse", "family \U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f horse", "\x7f")


@pytest.mark.parametrize("scheme", ["bcrypt", "bcrypt_sha256", "django_pbkdf2_sha256", "phpass", "argon2", "wordpress"])
async def test_password_that_cannot_be_prepared_fits_the_hash_of_an_earlier_system_and_keeps_it(
    passwords: Passwords, scheme: str
) -> None:
    options = {"bcrypt": {"rounds": 4}, "bcrypt_sha256": {"rounds": 4}, "django_pbkdf2_sha256": {"rounds": 10},
               "phpass": {"rounds": 7}, "argon2": {"rounds": 1, "memory_cost": 64}}  # fmt: skip
    wrong = []
    for typed in UNPREPARED:
        with pytest.raises(UnusablePasswordError):
            prepare(typed)
        stored = wordpress(typed) if scheme == "wordpress" else made(scheme, typed=typed, **options[scheme])
        right, other = await passwords.verify(typed, stored), await passwords.verify(f"{typed}x", stored)
        if (right, other) != (Verdict(is_right=True), Verdict(is_right=False)):
            wrong.append((ascii(typed), right, other))

    assert wrong == []


async def test_password_that_fits_as_it_was_typed_and_can_be_prepared_gets_a_hash_of_ours(
    passwords: Passwords,
) -> None:
    typed = "cafe\u0301 au lait"
    found = {
        scheme: await passwords.verify(typed, made(scheme, typed=typed, rounds=4))
        for scheme in ("bcrypt", "bcrypt_sha256")
    }

    assert set(found.values()) == {Verdict(is_right=True, needs_rehash=True)}, found
    ours = await passwords.hash(typed)
    assert await passwords.verify(typed, ours) == Verdict(is_right=True)
    assert await passwords.verify("caf\u00e9 au lait", ours) == Verdict(is_right=True)


async def test_wordpress_trims_a_password(passwords: Passwords) -> None:
    stored = wordpress(f"  {TYPED}\n")

    assert [(await passwords.verify(text, stored)).is_right for text in (TYPED, f" {TYPED} ", f"{TYPED}!")] == [
        True, True, False
    ]  # fmt: skip


COSTS = re.compile(r"\$2[aby]\$(\d\d)|,r=(\d+)\$|pbkdf2_sha256\$(\d+)|\$[PH]\$(.)|m=\d+,t=(\d+)")
IN_USE = ("2a", "bcrypt_sha256", "django", "phpass P", "argon2id", "wordpress")


def work(hashes: list[str]) -> Counter[str]:
    """Return what checking these hashes costs: of bcrypt in all, of the others how many of each kind."""
    found: Counter[str] = Counter()
    for known in hashes:
        bcrypt, sha256_bcrypt, *others = COSTS.search(known).groups()  # type: ignore[union-attr]
        if rounds := bcrypt or sha256_bcrypt:
            found["bcrypt"] += 1 << int(rounds)
        else:
            found[f"{known[:3]} {others}"] += 1
    return found


@pytest.fixture
def worked(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the hashes that were checked to the end."""
    checked: list[str] = []
    verify = passwords._context.verify

    def counted(secret: str, known: str) -> bool:
        is_right = bool(verify(secret, known))
        checked.append(known)
        return is_right

    monkeypatch.setattr(passwords._context, "verify", counted)
    return checked


@pytest.mark.parametrize(
    "typed", [TYPED, "wrong horse", "\uff57rong horse\u3000", "wrong\thorse", "\x00", "\ud800", "x" * 2000]
)
async def test_every_check_costs_the_same_whatever_hash_an_account_has(
    passwords: Passwords, worked: list[str], typed: str
) -> None:
    await passwords.expect(KNOWN[name] for name in IN_USE)
    costs = []

    for stored in (None, "", "!", "$2b$12$short", *(KNOWN[name] for name in IN_USE), await passwords.hash(TYPED)):
        worked.clear()
        await passwords.verify(typed, stored)
        costs.append(work(worked))

    times = 2 if "\u3000" in typed else 1
    assert costs == [costs[0]] * len(costs)
    assert costs[0]["bcrypt"] == times << 5, "as the dearest hash in use, and not as new ones"
    assert sorted(costs[0].values()) == sorted([times, times, times, times << 5])


@pytest.mark.parametrize("typed", ["wrong horse", "x" * 1000, "cafe\u0301" * 100, "\t" * 1000])
async def test_every_check_is_of_the_password_that_was_typed(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """Phpass works through the whole password in each round: a short one would be faster, and tell."""
    await passwords.expect([KNOWN["phpass P"]])
    checked: list[str] = []
    verify = passwords._context.verify

    def noted(secret: str, known: str) -> bool:
        checked.append(secret)
        return bool(verify(secret, known))

    monkeypatch.setattr(passwords._context, "verify", noted)

    for stored in (None, KNOWN["phpass P"], KNOWN["2b"], await passwords.hash(TYPED)):
        checked.clear()
        assert not (await passwords.verify(typed, stored)).is_right
        assert typed in checked
        assert {len(secret) for secret in checked} <= {len(typed), len(prepare(typed)) if "\t" not in typed else 0}


async def test_kind_that_nobody_has_any_more_costs_nothing(passwords: Passwords, worked: list[str]) -> None:
    await passwords.expect(KNOWN[name] for name in IN_USE)
    await passwords.expect([KNOWN["2a"]])

    await passwords.verify("wrong horse", None)

    assert work(worked) == {"bcrypt": 1 << 4}


async def test_kind_that_was_not_expected_is_so_from_its_first_check_on(
    passwords: Passwords, worked: list[str]
) -> None:
    await passwords.verify("wrong horse", KNOWN["bcrypt_sha256"])
    worked.clear()

    await passwords.verify("wrong horse", None)

    assert work(worked) == {"bcrypt": 1 << 5}
