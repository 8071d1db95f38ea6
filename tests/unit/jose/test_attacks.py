"""Every attack of the public lists, on the verifier itself."""

import pytest

from gatepost.core.crypto import jws
from tests.support.attacks import ATTACKS
from tests.support.attacks.target import ALGORITHMS, Attack
from tests.support.attacks.witness import witness
from tests.unit.jose.verifier import target, verify

CASES = [
    pytest.param(attack, algorithm, id=f"{algorithm}: {attack.name}")
    for attack in ATTACKS
    for algorithm in attack.algorithms
]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_that_the_attacks_start_from_is_good(algorithm: str) -> None:
    under_attack = target(algorithm)

    assert verify(under_attack.good) == under_attack.claims


def test_attacks_have_names_of_their_own() -> None:
    names = [(attack.name, algorithm) for attack in ATTACKS for algorithm in attack.algorithms]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(("attack", "algorithm"), CASES)
def test_attack_is_refused_from_memory_alone(attack: Attack, algorithm: str) -> None:
    token = attack.forge(target(algorithm))

    with witness() as seen, pytest.raises(jws.TokenRefusedError) as refusal:
        verify(token)

    assert isinstance(refusal.value, jws.TokenExpiredError) == (attack.code == "token_expired")
    assert seen == []
