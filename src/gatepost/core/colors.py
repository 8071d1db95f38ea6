"""Readable colours: the brand colour, the text on it, and shades of it for links."""

import colorsys
from dataclasses import dataclass

DEFAULT = "#0f766e"
# Contrasts of WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (controls).
READABLE, VISIBLE = 4.5, 3.0
# Keeps a shade readable on a background that is tinted with it.
WITH_TINT = 5.2
# The backgrounds of our pages and mails with the least contrast.
LIGHT_PAGE, DARK_PAGE = "#f6f7f8", "#1f242c"
WHITE, BLACK = "#ffffff", "#000000"
STEP, HOVER = 0.01, 0.06


@dataclass(frozen=True, slots=True)
class Palette:
    """A colour, `#rrggbb`, and the colours derived from it."""

    color: str

    @property
    def text(self) -> str:
        """The readable colour for text on it: black or white, one of which always has a contrast of 4.5."""
        return WHITE if contrast(self.color, WHITE) >= contrast(self.color, BLACK) else BLACK

    @property
    def hover(self) -> str:
        """The colour under a pointer: a little closer to the text colour if that stays readable, else further away."""
        towards = HOVER if self.text == WHITE else -HOVER
        nearer = _shifted(self.color, towards)
        return nearer if contrast(nearer, self.text) >= READABLE else _shifted(self.color, -towards)

    @property
    def light_link(self) -> str:
        """The nearest shade that is readable on a light page."""
        return nearest(self.color, on=LIGHT_PAGE, least=WITH_TINT)

    @property
    def dark_link(self) -> str:
        """The nearest shade that is readable on a dark page."""
        return nearest(self.color, on=DARK_PAGE, least=WITH_TINT)

    @property
    def light_edge(self) -> str:
        """A border that makes a surface of this colour visible on a light page."""
        return nearest(self.color, on=LIGHT_PAGE, least=VISIBLE)

    @property
    def dark_edge(self) -> str:
        """A border that makes a surface of this colour visible on a dark page."""
        return nearest(self.color, on=DARK_PAGE, least=VISIBLE)

    @property
    def css(self) -> str:
        """All colours as CSS custom properties, for light and dark mode."""
        return (
            f":root {{ --brand: {self.color}; --on-brand: {self.text}; --brand-hover: {self.hover}; "
            f"--accent-on-light: {self.light_link}; --accent: {self.light_link}; --brand-edge: {self.light_edge} }}\n"
            "@media (prefers-color-scheme: dark) "
            f"{{ :root {{ --accent: {self.dark_link}; --brand-edge: {self.dark_edge} }} }}\n"
        )


def nearest(color: str, *, on: str, least: float) -> str:
    """Return the nearest shade of a colour with at least this contrast to `on`: darker on light, lighter on dark."""
    step, limit = (-STEP, BLACK) if contrast(BLACK, on) > contrast(WHITE, on) else (STEP, WHITE)
    while contrast(color, on) < least and color != limit:
        color = _shifted(color, step)
    return color


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(channel) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _shifted(color: str, step: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    moved = colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness + step)), saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in moved)
