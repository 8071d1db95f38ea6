"""The brand on the pages: name, colour and logo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gatepost.core.colors import Palette
from gatepost.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Brand:
    """The brand of the organization that runs the service."""

    name: str
    palette: Palette
    logo: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the brand from the settings."""
        return cls(settings.brand_name, settings.palette, settings.brand_logo)

    @property
    def css(self) -> str:
        """The colours as CSS custom properties, for light and dark mode."""
        return self.palette.css
