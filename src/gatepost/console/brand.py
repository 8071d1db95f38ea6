"""Name, colour and logo of a team."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gatepost.core.colors import Palette
from gatepost.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Brand:
    """What the pages show of the team that runs the service."""

    name: str
    palette: Palette
    logo: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(settings.brand_name, settings.palette, settings.brand_logo)

    @property
    def css(self) -> str:
        """The colours as custom properties, for light and dark."""
        return self.palette.css
