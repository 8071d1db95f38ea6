"""Renders mails from Jinja templates in `templates/<language>/`; a template in MAIL_TEMPLATES replaces the built-in."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context

from gatepost.core.colors import DEFAULT, Palette
from gatepost.core.plain_text import one_line
from gatepost.mail.errors import TemplateBroken

BUILT_IN = Path(__file__).parent / "templates"
LAST_RESORT = "en"
PALETTE = Palette(DEFAULT)
LONGEST_WORDS = 255
# RFC 5646, section 2.1, the part that browsers use: language, script, region, variants.
TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# What mail programs turn into links: URLs, e-mail addresses and IP addresses, and telephone numbers.
LINK_LIKE = re.compile(r"[/\\@:]|www\.|\.\w{2}|(?:\.\d+){3}|(?:\d[\s().-]*){7}", re.IGNORECASE)
# RFC 3490, section 3.1: a dot of domain names that NFKC does not change.
DOTS = str.maketrans("\N{IDEOGRAPHIC FULL STOP}", ".")
# Values that people other than the recipient can choose.
OTHERS_WORDS = frozenset({"username", "device", "name", "invited_by", "roles"})
# Some scripts need them.
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
# Translations of the English words in device names.
DEVICE_WORDS = {"de": {"Unknown device": "Unbekanntes Gerät", " on ": " unter "}}
# Defaults of optional values.
OPTIONAL: Mapping[str, Any] = {
    "username": "",
    "has_account": True,
    "is_new": False,
    "device": "",
    "name": "",
    "address": "",
    # Only for older templates of operators; no mail has a value for it.
    "new_email": "",
    "invited_by": "",
    "roles": (),
    "not_me_link": None,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered mail; `html` is None if its language only has a text template."""

    language: str
    subject: str
    text: str
    html: str | None


class Templates:
    """Renders mails.

    The template `verify_email` consists of two files: `<language>/verify_email.txt.j2`, whose block `subject` is the
    subject, and `<language>/verify_email.html.j2`.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        default_language: str = LAST_RESORT,
        product: str,
        palette: Palette = PALETTE,
    ) -> None:
        self._folders = tuple(path for path in (folder, BUILT_IN) if path is not None)
        self._default_language = default_language
        self._product = product
        self._environment = _environment(self._folders, palette)

    def languages(self) -> Sequence[str]:
        """Return all languages that have a folder, sorted."""
        return sorted(
            {path.name for folder in self._folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
        )

    def render(self, template: str, *, language: str, context: Mapping[str, Any]) -> Rendered:
        """Render a mail in a language, or the first fallback that has the template: de-AT, de, the default, English.

        Raises:
            TemplateBroken: the template is missing or malformed, or uses a value that the context does not have.
        """
        try:
            return self._render(template, language, context)
        except TemplateNotFound as error:
            raise TemplateBroken(f"there is no template {error.name}") from error
        except TemplateError as error:
            raise TemplateBroken(f"the template {template} is broken: {error.message}") from error

    def _render(self, template: str, language: str, context: Mapping[str, Any]) -> Rendered:
        candidates = list(_fallbacks(language, self._default_language))
        text = self._environment.select_template([f"{one}/{template}.txt.j2" for one in candidates])
        chosen = str(text.name).partition("/")[0]
        words = {name: _cleaned(name, value) for name, value in {**OPTIONAL, **context}.items()}
        words |= {"product": self._product, "language": chosen, "locale": _locale(language, chosen)}
        subject = "".join(text.blocks["subject"](text.new_context(words)))
        html_name = f"{chosen}/{template}.html.j2"
        html = (
            self._environment.get_template(html_name).render(words, subject=one_line(subject))
            if self._has(html_name)
            else None
        )
        return Rendered(language=chosen, subject=one_line(subject), text=_without_gaps(text.render(words)), html=html)

    def _has(self, name: str) -> bool:
        return any((folder / name).is_file() for folder in self._folders)


@cache
def _environment(folders: tuple[Path, ...], palette: Palette) -> Environment:
    """Return the Jinja environment for these folders; cached, so that each process compiles a template only once."""
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["brand"] = palette
    environment.filters |= {"moment": _moment, "listing": _listing, "device_name": _device_name}
    return environment


def _fallbacks(*tags: str) -> Iterator[str]:
    """Yield each tag and then its shorter forms, in the case of folder names: `pt-BR`, `zh-Hant`."""
    for tag in (*tags, LAST_RESORT):
        if not TAG.fullmatch(tag):
            continue
        parts = [_cased(place, part) for place, part in enumerate(tag.split("-"))]
        while parts:
            yield "-".join(parts)
            parts.pop()


def _cased(place: int, part: str) -> str:
    match place, len(part):
        case 0, _:
            return part.lower()
        case _, 2:
            return part.upper()
        case _, 4:
            return part.title()
        case _:
            return part.lower()


def _locale(wanted: str, chosen: str) -> Locale:
    """Return the locale for dates: the person's own, with its region, if the mail is in the same language."""
    for tag in (wanted if wanted.partition("-")[0].lower() == chosen.partition("-")[0] else chosen, chosen):
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale(LAST_RESORT)


def _cleaned(name: str, value: Any) -> Any:
    match value:
        case str() if name == "link" or name.endswith("_link"):
            return value
        case str():
            words = one_line(value)[:LONGEST_WORDS]
            return _harmless(words) if name in OTHERS_WORDS else words
        case list() | tuple():
            return [words for item in value if (words := _cleaned(name, item))]
        case _:
            return value


def _harmless(words: str) -> str:
    """Return text that somebody else chose; empty if a mail program could turn it into a link.

    A mail does not need the name. Breaking the link with hidden characters is no alternative: they would be copied
    with the text, and searched for.
    """
    seen = "".join(character for character in words if character in JOINERS or unicodedata.category(character) != "Cf")
    compared = unicodedata.normalize("NFKC", seen).translate(DOTS)
    bare = "".join(character for character in compared if character not in JOINERS)
    return "" if LINK_LIKE.search(bare) else seen


@pass_context
def _device_name(context: Context, device: str) -> str:
    for english, word in DEVICE_WORDS.get(context["locale"].language, {}).items():
        device = device.replace(english, word)
    return device


@pass_context
def _moment(context: Context, value: datetime) -> str:
    moment, locale = value.astimezone(UTC), context["locale"]
    return f"{format_date(moment, 'long', locale=locale)}, {format_time(moment, 'short', locale=locale)} UTC"


@pass_context
def _listing(context: Context, values: Sequence[str]) -> str:
    return format_list(values, locale=context["locale"])


def _without_gaps(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.strip().splitlines())) + "\n"
