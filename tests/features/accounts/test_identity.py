"""Which names are the same account: one verdict, whichever database keeps them."""

import pytest

from tests.support.api import PASSWORD, Api

SAME, DIFFERENT, REFUSED = "same", "different", "refused"


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        pytest.param("Abbey", "aBBEY", SAME, id="case"),
        pytest.param("ΣΑΣ", "σας", SAME, id="final sigma"),
        pytest.param("Abbey", "Ａｂｂｅｙ", SAME, id="width"),
        pytest.param("José", "Jose\u0301", SAME, id="composition"),
        pytest.param("Abbey", "Abbey ", SAME, id="trailing space"),
        pytest.param("Jose", "José", DIFFERENT, id="accent"),
        pytest.param("strasse", "straße", DIFFERENT, id="sharp s"),
        pytest.param("AbbeySalami", "Abbey Salami", DIFFERENT, id="inner space"),
        pytest.param("coe", "сое", DIFFERENT, id="whole word of another script"),
        pytest.param("山田", "山本", DIFFERENT, id="Han"),
        pytest.param("Abbey", "Ab\u200bbey", REFUSED, id="zero width"),
        pytest.param("Abbey", "Abbey\u00ad", REFUSED, id="soft hyphen"),
        pytest.param("Abbey", "Аbbey", REFUSED, id="look-alike letter of another script"),
        pytest.param("Abbey", "Abbey\u00a0Salami", REFUSED, id="no-break space"),
        pytest.param("Abbey", "Abbey\u202e", REFUSED, id="direction override"),
    ],
)
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


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        pytest.param("heba@gmail.com", "Heba@GMAIL.com", SAME, id="case"),
        pytest.param("heba@münchen.example.com", "heba@xn--mnchen-3ya.example.com", SAME, id="domain spelling"),
        pytest.param("jos\u00e9@example.com", "jose\u0301@example.com", SAME, id="composition"),
        pytest.param("jose@example.com", "josé@example.com", DIFFERENT, id="accent"),
        pytest.param("heba@gmail.com", "heba+shop@gmail.com", DIFFERENT, id="tag"),
        pytest.param("heba@gmail.com", "he.ba@gmail.com", DIFFERENT, id="dot"),
        pytest.param("heba@gmail.com", "he\u200bba@gmail.com", REFUSED, id="zero width"),
    ],
)
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
