"""What methods show together: how many factors, and the words for it in tokens."""

import pytest

from gatepost.identity.factors.methods import Method, acr_of, amr_of
from gatepost.identity.tokens.principal import Acr

ONE_FACTOR = (Method.PASSWORD, Method.EMAIL_CODE, Method.PROVIDER)


def acr(*methods: Method) -> Acr:
    """Return how sure methods make it that are all proved at one moment."""
    return acr_of(methods, last=methods)


@pytest.mark.parametrize("first", ONE_FACTOR)
@pytest.mark.parametrize("second", ONE_FACTOR)
def test_what_is_opened_by_knowledge_alone_stays_one_factor(first: Method, second: Method) -> None:
    assert acr(first, second) is Acr.ONE_FACTOR
    assert "mfa" not in amr_of([first, second])


@pytest.mark.parametrize("first", ONE_FACTOR)
@pytest.mark.parametrize("second", [Method.TOTP, Method.RECOVERY_CODE])
def test_with_something_that_somebody_has_it_is_two(first: Method, second: Method) -> None:
    assert acr(first, second) is Acr.TWO_FACTORS
    assert amr_of([first, second]).endswith(" otp mfa")


def test_two_that_somebody_has_are_one() -> None:
    assert acr(Method.TOTP, Method.RECOVERY_CODE) is Acr.ONE_FACTOR


def test_several_factors_elsewhere_are_two() -> None:
    assert (acr(Method.PROVIDER_FACTORS), amr_of([Method.PROVIDER_FACTORS])) == (Acr.TWO_FACTORS, "fed mfa")


@pytest.mark.parametrize("beside", ONE_FACTOR)
def test_a_passkey_resists_phishing_alone_and_beside_others(beside: Method) -> None:
    assert acr(Method.PASSKEY) is acr(beside, Method.PASSKEY) is Acr.PHISHING_RESISTANT


def test_a_trusted_device_shows_nothing() -> None:
    assert amr_of([Method.PASSWORD, Method.TRUSTED_DEVICE]) == amr_of([Method.PASSWORD])
    assert acr(Method.PASSWORD, Method.TRUSTED_DEVICE) is Acr.ONE_FACTOR


@pytest.mark.parametrize(
    ("methods", "last", "expected"),
    [
        ([Method.PASSWORD, Method.TOTP], [Method.TOTP], Acr.TWO_FACTORS),
        ([Method.PASSWORD, Method.TOTP], [Method.PASSWORD], Acr.ONE_FACTOR),
        ([Method.PASSKEY], [Method.PASSKEY], Acr.PHISHING_RESISTANT),
        ([Method.PASSKEY, Method.TOTP], [Method.TOTP], Acr.TWO_FACTORS),
        ([Method.PASSKEY, Method.PASSWORD], [Method.PASSWORD], Acr.ONE_FACTOR),
        ([Method.PASSKEY, Method.TOTP], [Method.PASSKEY, Method.TOTP], Acr.PHISHING_RESISTANT),
    ],
)
def test_methods_are_never_surer_than_the_last_of_them(
    methods: list[Method], last: list[Method], expected: Acr
) -> None:
    assert acr_of(methods, last=last) == expected
