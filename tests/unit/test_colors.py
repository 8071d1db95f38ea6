"""The colour of a team: surfaces have it exactly, and text on it is readable."""

import re

import pytest

from gatepost.core.colors import BLACK, READABLE, VISIBLE, WHITE, Palette, contrast

COLORS = (
    "#0f766e", "#ffd400", "#ffff00", "#ffffff", "#000000", "#ff0000", "#00ff00", "#0000ff", "#3b82f6", "#fd083e",
    *(f"#{grey:02x}{grey:02x}{grey:02x}" for grey in range(0x60, 0xA0, 4)),
)  # fmt: skip
# The grounds of console.css and of mails: page, surface, sunken.
LIGHT = ("#f6f7f8", "#ffffff")
DARK = ("#0f1318", "#171c23", "#11161c", "#1f242c")


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(BLACK, WHITE, 21.0), ("#777777", WHITE, 4.48), (WHITE, WHITE, 1)]
)
def test_contrast_is_that_of_wcag(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(expected, abs=0.005)


def test_any_colour_stays_as_given_and_all_that_goes_with_it_can_be_read() -> None:
    failures = []
    for color in COLORS:
        light, dark = (_properties(css) for css in Palette(color).css.split("@media"))
        both = {**light, **dark}
        assert light["brand"] == color
        assert "brand" not in dark
        assert light["on-brand"] in (BLACK, WHITE)
        pairs = [
            ("text", light["on-brand"], color, READABLE),
            ("text under a pointer", light["on-brand"], light["brand-hover"], READABLE),
            *(("link", light["accent"], ground, READABLE) for ground in LIGHT),
            *(("link on its tint", light["accent"], _tinted(ground, light["accent"]), READABLE) for ground in LIGHT),
            *(("link in the dark", both["accent"], ground, READABLE) for ground in DARK),
            *(("link on its tint", both["accent"], _tinted(ground, both["accent"]), READABLE) for ground in DARK),
            *(("edge", light["brand-edge"], ground, VISIBLE) for ground in LIGHT),
            *(("edge in the dark", both["brand-edge"], ground, VISIBLE) for ground in DARK),
        ]
        failures += [f"{color} {what}: {one} on {on}" for what, one, on, least in pairs if contrast(one, on) < least]
    assert failures == []


def test_colour_that_can_be_read_is_its_own_link() -> None:
    assert Palette("#0b5f58").light_link == "#0b5f58"
    assert Palette("#ffd400").dark_link == "#ffd400"
    assert Palette("#0f766e").light_edge == "#0f766e"


def _properties(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))


def _tinted(ground: str, accent: str) -> str:
    """Return the ground of a notice: `--info-soft` in console.css."""
    pairs = ((int(ground[place : place + 2], 16), int(accent[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(0.93 * below + 0.07 * above):02x}" for below, above in pairs)
