"""Names of authenticators: for people, of which none is long and none is a key for anything."""

import json
from uuid import UUID

from gatepost.identity.credentials.passkeys.aaguids import NAMES, authenticator_name

LONGEST = 40


def test_known_authenticators_have_a_name() -> None:
    assert authenticator_name(UUID("bada5566-a7aa-401f-bd96-45619a55120d").bytes) == "1Password"
    assert authenticator_name(UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd").bytes) == "Apple Passwords"
    assert authenticator_name(UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4").bytes) == "Google Password Manager"
    assert authenticator_name(UUID("08987058-cadc-4b81-b6e1-30de50dcbe96").bytes) == "Windows Hello"


def test_unknown_authenticators_and_those_that_do_not_say_have_none() -> None:
    assert authenticator_name(bytes(16)) is None
    assert authenticator_name(b"\xff" * 16) is None


def test_list_is_of_ids_in_their_one_form_and_of_short_names() -> None:
    names = json.loads(NAMES.read_text(encoding="utf-8"))

    assert len(names) > 100
    assert [aaguid for aaguid in names if str(UUID(aaguid)) != aaguid] == []
    assert [name for name in names.values() if not 0 < len(name) <= LONGEST or not name.isprintable()] == []
