"""Taking turns: by address, and within an address by account."""

import random

import pytest

from gatepost.core.crypto.turns import NOBODY, Asker, Turns

HOME, CAFE = "198.51.100.1", "198.51.100.2"


def filled(*askers: Asker) -> Turns[str]:
    """Return turns in which each of these has something waiting, in this order."""
    turns: Turns[str] = Turns()
    for number, asker in enumerate(askers):
        turns.add(asker, f"{asker.address} {asker.account} {number}")
    return turns


def placed(*askers: Asker) -> Turns[str]:
    """Return turns in which each of these waits at its place, in this order."""
    turns: Turns[str] = Turns()
    for number, asker in enumerate(askers):
        turns.add(turns.place_of(asker), f"{asker.address} {asker.account} {number}")
    return turns


def taken(turns: Turns[str]) -> list[str]:
    """Take everything, and return whose each was."""
    found = []
    while (item := turns.take()) is not None:
        found.append(item.rpartition(" ")[0])
    return found


def test_addresses_take_turns_and_so_do_accounts_of_one() -> None:
    greedy, other, third = Asker(HOME, "greedy"), Asker(HOME, "other"), Asker(CAFE, "third")

    order = taken(filled(greedy, greedy, greedy, greedy, other, third, third))

    assert order == [f"{asker.address} {asker.account}" for asker in
                     (greedy, third, other, third, greedy, greedy, greedy)]  # fmt: skip


def test_one_asker_is_served_in_order() -> None:
    turns: Turns[int] = Turns()
    for number in range(5):
        turns.add(Asker(HOME, "one"), number)

    assert [turns.take() for _ in range(6)] == [0, 1, 2, 3, 4, None]


@pytest.mark.parametrize("seed", range(50))
def test_no_more_are_taken_first_than_it_was_said(seed: int) -> None:
    chance = random.Random(seed)
    askers = [Asker(chance.choice("abc"), chance.choice("xyz")) for _ in range(chance.randrange(30))]
    late = Asker(chance.choice("abcd"), chance.choice("xyzw"))
    turns = filled(*askers)
    for _ in range(chance.randrange(len(askers) + 1)):
        turns.take()
    said, size = turns.ahead_of(late), len(turns)

    turns.add(late, "late")
    before = 0
    while turns.take() != "late":
        before += 1

    assert before <= said <= size


def test_what_leaves_is_not_taken() -> None:
    asker = Asker(HOME, "one")
    turns = filled(asker, asker)
    first = f"{HOME} one 0"

    turns.discard(asker, first)
    turns.discard(asker, first)

    assert (len(turns), turns.has(asker, first)) == (1, False)
    assert taken(turns) == [f"{HOME} one"]


def test_whoever_has_most_gives_a_place() -> None:
    greedy, other = Asker(HOME, "greedy"), Asker(HOME, "other")
    turns = filled(greedy, other, greedy, greedy)

    assert turns.take_last_of_longest(unless=Asker(CAFE)) == (greedy, f"{HOME} greedy 3")
    assert turns.take_last_of_longest(unless=other) is None, "two against one that would be two"
    assert turns.take_last_of_longest(unless=greedy) is None
    assert turns.take_last_of_longest(unless=Asker(HOME, "new")) == (greedy, f"{HOME} greedy 2")
    assert Turns[str]().take_last_of_longest(unless=other) is None


@pytest.mark.parametrize("seed", range(20))
def test_places_that_are_given_up_end_with_shares_that_differ_by_one_at_most(seed: int) -> None:
    chance = random.Random(seed)
    turns = filled(*[Asker(chance.choice("abcde")) for _ in range(12)])
    for _ in range(200):
        asker = Asker(chance.choice("abcde"))
        if turns.take_last_of_longest(unless=asker) is not None:
            turns.add(asker, f"{asker.address}  0")

    order = taken(turns)
    shares = [order.count(f"{address} ") for address in "abcde"]
    assert sum(shares) == 12
    assert max(shares) - min(shares) <= 1


MANY = [f"203.0.113.{number}" for number in range(60)]


def test_account_that_waits_from_many_addresses_keeps_others_for_two_turns_alone() -> None:
    turns = placed(*(Asker(address, "greedy") for address in MANY))
    neighbour = Asker(HOME, "neighbour")

    assert turns.ahead_of(turns.place_of(neighbour)) == 2
    turns.add(turns.place_of(neighbour), "neighbour")

    assert "neighbour" in [turns.take() for _ in range(3)]


def test_guesses_for_an_account_from_elsewhere_keep_its_owner_for_two_turns_alone() -> None:
    turns = placed(*[Asker(CAFE, "victim")] * 50)
    owner = turns.place_of(Asker(HOME, "victim"))

    assert turns.ahead_of(owner) == 1
    turns.add(owner, "owner")

    assert "owner" in [turns.take() for _ in range(2)]


def test_addresses_of_one_account_take_turns_too() -> None:
    turns = placed(Asker(CAFE, "one"), *[Asker(MANY[0], "one")] * 20, Asker(HOME, "one"))

    assert [item.partition(" ")[0] for item in [turns.take() or "" for _ in range(4)]] == [
        CAFE, MANY[0], HOME, MANY[0],
    ]  # fmt: skip


def test_who_names_no_account_shares_nothing_with_other_addresses() -> None:
    assert placed(Asker(CAFE)).place_of(Asker(HOME)) == Asker(HOME)


@pytest.mark.parametrize("seed", range(50))
def test_nothing_is_left_of_what_was_taken_or_given_up(seed: int) -> None:
    chance = random.Random(seed)
    turns: Turns[int] = Turns()
    waiting: dict[int, Asker] = {}
    for number in range(200):
        if chance.random() < 0.6:
            place = turns.place_of(Asker(chance.choice("abcd"), chance.choice(["", "x", "y", "z"])))
            turns.add(place, number)
            waiting[number] = place
        elif waiting and chance.random() < 0.3:
            gone = chance.choice(list(waiting))
            turns.discard(waiting.pop(gone), gone)
        elif (item := turns.take()) is not None:
            del waiting[item]
        assert len(turns) == len(waiting)
        assert all(turns.has(place, item) for item, place in waiting.items())
    while (item := turns.take()) is not None:
        del waiting[item]

    assert waiting == {}
    assert turns.place_of(Asker("e", "x")) == Asker("e", "x")


def test_place_in_a_full_line_is_given_up_by_who_would_be_served_last() -> None:
    turns = filled(Asker(HOME, "first"), Asker(HOME, "first"), Asker(CAFE, "last"), Asker(CAFE, "last"))

    found = turns.take_last_of_longest(unless=Asker("198.51.100.3", "newcomer"))

    assert found is None or found[0] == Asker(CAFE, "last")
    assert turns.take_last_of_longest(unless=NOBODY) is not None
