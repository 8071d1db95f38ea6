"""`gatepost.resource`, as the kit was called before: it can still be imported, and says how it is called now."""

import importlib
import sys

import pytest

from gatepost import sdk


def test_earlier_name_gives_the_same_things_and_says_the_new_one() -> None:
    sys.modules.pop("gatepost.resource", None)

    with pytest.warns(DeprecationWarning, match=r"gatepost\.sdk"):
        earlier = importlib.import_module("gatepost.resource")

    assert {name: getattr(earlier, name) for name in sdk.__all__} == {name: getattr(sdk, name) for name in sdk.__all__}
    with pytest.raises(AttributeError):
        _ = earlier.nothing


@pytest.mark.filterwarnings("ignore:gatepost.resource:DeprecationWarning")
def test_names_that_it_had_are_there() -> None:
    earlier = importlib.import_module("gatepost.resource")

    for name in ("Gatepost", "TokenVerifier", "Unauthorized", "Unavailable"):
        assert getattr(earlier, name) is getattr(sdk, name)
    assert earlier.Principal is sdk.UserPrincipal
    assert set(earlier.__all__) == {"Principal", *sdk.__all__}
