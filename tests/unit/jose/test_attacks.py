"""Every attack of the public lists, on the verifier itself."""

import pytest

from gatepost.core.crypto import jws
from tests.support.attacks import ATTACKS, FAMILIES
from tests.support.attacks.target import ALGORITHMS
from tests.support.attacks.witness import witness
from tests.support.families import family
from tests.unit.jose.verifier import target, verify


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_that_the_attacks_start_from_is_good(algorithm: str) -> None:
    under_attack = target(algorithm)

    assert verify(under_attack.good) == under_attack.claims


def test_attacks_have_names_of_their_own() -> None:
    names = [(attack.name, algorithm) for attack in ATTACKS for algorithm in attack.algorithms]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_attack_is_refused_from_memory_alone(kind: str, algorithm: str) -> None:
    with family() as case:
        for attack in FAMILIES[kind]:
            if algorithm not in attack.algorithms:
                continue
            with case(attack.name):
                token = attack.forge(target(algorithm))

                with witness() as seen, pytest.raises(jws.TokenRefusedError) as refusal:
                    verify(token)

                assert isinstance(refusal.value, jws.TokenExpiredError) == (attack.code == "token_expired")
                assert seen == []
