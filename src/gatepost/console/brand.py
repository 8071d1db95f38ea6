"""Name, colour and logo of a team, with shades of the colour that can always be read."""

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gatepost.core.settings import Settings

# WCAG 2.2, success criterion 1.4.3.
READABLE = 4.5
# So that a shade is still readable where the ground has a tint of it.
WITH_TINT = 5.2
LIGHT_PAGE, DARK_PAGE = "#f6f7f8", "#1a1f26"
WHITE, BLACK, INK = "#ffffff", "#000000", "#10151b"
STEP = 0.01


@dataclass(frozen=True, slots=True)
class Brand:
    """What the pages show of the team that runs the service."""

    name: str
    color: str
    logo: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(settings.brand_name, settings.brand_color.lower(), settings.brand_logo)

    @property
    def css(self) -> str:
        """The shades as custom properties, for light and dark."""
        on_light, on_dark = readable(self.color, on=LIGHT_PAGE), readable(self.color, on=DARK_PAGE)
        return (
            f":root {{ --brand: {self.color}; {_shades(on_light)} }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ {_shades(on_dark)} }} }}\n"
        )


def readable(color: str, *, on: str) -> str:
    """Return the nearest shade of a colour that can be read on another, darker or lighter as that one asks for."""
    step, limit = (-STEP, BLACK) if contrast(BLACK, on) > contrast(WHITE, on) else (STEP, WHITE)
    while contrast(color, on) < WITH_TINT and color != limit:
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


def _shades(accent: str) -> str:
    label = WHITE if contrast(accent, WHITE) >= READABLE else INK
    return f"--accent: {accent}; --on-accent: {label};"


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _shifted(color: str, step: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    moved = colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness + step)), saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in moved)
