"""Settings for the appearance of the pages."""

from pathlib import Path

from pydantic import BaseModel, Field

from gatepost.core.colors import DEFAULT, Palette

LOGO_TYPES = (".svg", ".png", ".jpg", ".jpeg", ".webp")
LARGEST_LOGO_BYTES = 256 * 1024


class BrandSettings(BaseModel):
    """Name, colour and logo of the pages."""

    brand_name: str = Field("Gatepost", min_length=1, max_length=40, description="Name shown on the pages.")
    brand_color: str = Field(
        DEFAULT,
        pattern=r"^#[0-9A-Fa-f]{6}$",
        description="Colour of buttons in pages and mails, `#rrggbb`; links use readable shades of it.",
    )
    brand_logo: Path | None = Field(
        None, description="File with the logo of the pages: SVG, PNG, JPEG or WebP, at most 256 KiB."
    )

    @property
    def palette(self) -> Palette:
        """The brand colour and the colours derived from it."""
        return Palette(self.brand_color.lower())


def logo_problem(logo: Path) -> str | None:
    """Return why a file cannot be the logo, or None."""
    if logo.suffix.lower() not in LOGO_TYPES:
        return "it is of no kind that every browser shows"
    if not logo.is_file():
        return "there is no such file"
    if logo.stat().st_size > LARGEST_LOGO_BYTES:
        return "it is larger than 256 KiB"
    return None
