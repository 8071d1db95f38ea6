"""Which names are the same account: the same answer on every database."""

from typing import Any

import pytest

from tests.support.api import PASSWORD, Api

pytestmark = pytest.mark.both_databases

SAME, DIFFERENT, REFUSED = "same", "different", "refused"
Table = dict[str, list[tuple[str, str, str]]]


NAMES: Table = {
    "case": [
        ("Abbey", "aBBEY", SAME), ("Ünal", "üNAL", SAME), ("Ольга", "оЛЬГА", SAME), ("ΣΑΣ", "σας", SAME),
        ("istanbul", "ISTANBUL", SAME), ("İpek", "i\u0307pek", SAME), ("ırmak", "IRMAK", DIFFERENT),
        ("strasse", "straße", DIFFERENT),
    ],
    "width": [("Abbey", "Ａｂｂｅｙ", SAME), ("abbey2", "abbey２", SAME), ("カナ", "ｶﾅ", SAME)],
    "accent": [
        ("José", "Jose\u0301", SAME), ("Йод", "И\u0306од", SAME), ("がか", "か\u3099か", SAME),
        ("Jose", "José", DIFFERENT), ("Ελλάς", "Ελλας", DIFFERENT), ("Йод", "Иод", DIFFERENT),
        ("がか", "かか", DIFFERENT),
    ],
    "space": [
        ("Abbey", "Abbey ", SAME), ("Abbey", " Abbey", SAME), ("AbbeySalami", "Abbey Salami", DIFFERENT),
        ("Abbey Salami", "Abbey  Salami", SAME), ("Abbey", "Abbey\u00a0", SAME), ("Abbey", "Abbey\u3000", SAME),
        ("Abbey", "Abbey\t", SAME), ("Abbey", "Abbey\n", SAME), ("Abbey Salami", "Abbey\u00a0Salami", SAME),
        ("Abbey Salami", "Abbey\tSalami", REFUSED), ("Abbey Salami", "Abbey\nSalami", REFUSED),
    ],
    "zero width": [
        *(("Abbey", f"Ab{mark}bey", REFUSED) for mark in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e"),
        ("Abbey", "Abbey\u200b", REFUSED), ("Abbey", "Abbey\u202e", REFUSED), ("Abbey", "Abbey\U000e0061", REFUSED),
        # Persian and Hindi are written with them (RFC 5892, appendix A.1 and A.2), and it shows.
        ("نامه", "نام\u200cه", DIFFERENT), ("क्ष", "क्\u200dष", DIFFERENT),
    ],
    "look-alike": [
        ("abbey", "аbbey", REFUSED), ("Abbey", "Αbbey", REFUSED), ("paypal", "раураl", REFUSED),
        ("Abbey", "\U0001d400bbey", REFUSED), ("file", "\ufb01le", REFUSED),
        # A whole word of another script is a name in that script.
        ("coe", "сое", DIFFERENT), ("scope", "ѕсоре", DIFFERENT), ("ok", "οκ", DIFFERENT), ("山田", "山本", DIFFERENT),
    ],
}  # fmt: skip
ADDRESSES: Table = {
    "case": [
        ("heba@gmail.com", "Heba@GMAIL.com", SAME), ("ΣΑΣ@example.com", "σας@example.com", SAME),
        ("straße@example.com", "strasse@example.com", SAME),
    ],
    "width": [
        ("heba@gmail.com", "ｈｅｂａ@gmail.com", SAME), ("heba@gmail.com", "heba@ｇｍａｉｌ.com", SAME),
        ("heba@gmail.com", "heba@gmail\u3002com", SAME), ("fi@example.com", "\ufb01@example.com", SAME),
    ],
    "accent": [
        ("josé@example.com", "jose\u0301@example.com", SAME), ("jose@example.com", "josé@example.com", DIFFERENT),
        ("heba@gmail.com", "heba@gmáil.com", DIFFERENT), ("a@straße.com", "a@strasse.com", DIFFERENT),
        ("heba@münchen.example.com", "heba@xn--mnchen-3ya.example.com", SAME),
    ],
    "space": [
        ("heba@gmail.com", "he ba@gmail.com", REFUSED), ("heba@gmail.com", "heba\u00a0@gmail.com", REFUSED),
        ("heba@gmail.com", "heba@gm\u3000ail.com", REFUSED),
        ("heba@gmail.com", " heba@gmail.com\n", SAME), ("heba@gmail.com", "\u00a0heba@gmail.com\t", SAME),
    ],
    "zero width": [
        ("heba@gmail.com", "he\u200bba@gmail.com", REFUSED), ("heba@gmail.com", "heba@gm\u200bail.com", REFUSED),
        ("heba@gmail.com", "heba\u200d@gmail.com", REFUSED), ("heba@gmail.com", "heba\u00ad@gmail.com", REFUSED),
    ],
    "look-alike": [
        # Who has a domain of that script has the mailbox, and proves it.
        ("heba@gmail.com", "һeba@gmail.com", DIFFERENT), ("heba@gmail.com", "heba@gmаil.com", DIFFERENT),
    ],
    "mailbox": [
        ("heba@gmail.com", "heba+shop@gmail.com", DIFFERENT), ("heba@gmail.com", "he.ba@gmail.com", DIFFERENT),
    ],
}  # fmt: skip


def _pairs(table: Table) -> list[Any]:
    return [
        pytest.param(*pair, id=f"{kind} {number}") for kind, pairs in table.items() for number, pair in enumerate(pairs)
    ]


@pytest.mark.parametrize(("first", "second", "verdict"), _pairs(NAMES))
async def test_user_names(api: Api, first: str, second: str, verdict: str) -> None:
    owner = await api.sign_up(first, email="first@example.com")

    answer = await api.post(
        "/api/auth/signup", json={"username": second, "email": "second@example.com", "password": PASSWORD}
    )
    sign_in = await api.post("/api/auth/signin", json={"username": second, "password": PASSWORD})

    match verdict:
        case "same":
            assert answer.json()["code"] == "username_taken"
            assert sign_in.json()["id"] == owner.id
        case "different":
            assert answer.status_code == 201
            assert sign_in.json()["id"] == answer.json()["id"] != owner.id
        case _:
            assert answer.json()["code"] == "validation_failed"
            assert sign_in.json()["code"] == "invalid_credentials"


@pytest.mark.parametrize(("first", "second", "verdict"), _pairs(ADDRESSES))
async def test_addresses(api: Api, first: str, second: str, verdict: str) -> None:
    owner = await api.sign_up("first", email=first)

    answer = await api.post("/api/auth/signup", json={"username": "second", "email": second, "password": PASSWORD})
    sign_in = await api.post("/api/auth/signin", json={"email": second, "password": PASSWORD})

    match verdict:
        case "same":
            assert answer.json()["code"] == "email_taken"
            assert sign_in.json()["id"] == owner.id
        case "different":
            assert answer.status_code == 201
            assert sign_in.json()["id"] == answer.json()["id"] != owner.id
        case _:
            assert answer.json()["code"] == "validation_failed"
            assert sign_in.json()["code"] == "invalid_credentials"


@pytest.mark.parametrize("name", ["Abbey Salami", "山田 太郎", "Ольга", "محمد", "o.neil-7_x", "Ünal"])
async def test_name_is_shown_as_its_owner_wrote_it(api: Api, name: str) -> None:
    person = await api.sign_up(f" {name} ", email="first@example.com")

    assert person.username == name
    assert (await api.get("/api/users/me", headers=person.headers)).json()["username"] == name
