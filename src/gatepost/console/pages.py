"""All pages: their paths, templates, scripts and texts; and how they are rendered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gatepost.console.assets import Assets
from gatepost.console.brand import Brand
from gatepost.console.languages import NAMES
from gatepost.console.translations import Words, words_of
from gatepost.core.origins import origin_of
from gatepost.core.settings import Settings
from gatepost.identity.credentials.passkeys.relying_party import usable
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.provider import Provider
from gatepost.mail.languages import SUPPORTED

TEMPLATES = Path(__file__).parent / "templates"
PREFIX = "/console"
# The texts that every page's script may need.
COMMON_WORDS = ("common.client", "problem", "ways.client.outcome")


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page at `path`.

    Its template is `templates/<name>.html.j2` with the texts of the subject `name`. Its script is
    `static/js/<script>.js`, which gets the common texts and those below the keys in `words`. `shown` are lists for the
    template.
    """

    path: str
    name: str
    script: str
    words: tuple[str, ...] = ()
    shown: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)


START = ConsolePage("/welcome", "start", "start")
PAGES = (
    ConsolePage("/sign-in", "sign_in", "sign-in", words=("sign_in.client", "ways.client")),
    ConsolePage("/sign-up", "sign_up", "sign-up", words=("sign_up.client", "ways.client")),
    ConsolePage("/forgot-password", "forgot_password", "forgot-password", words=("forgot_password.client",)),
    # Links in mails lead to these five; the token is after the #, so that no server or log sees it.
    ConsolePage("/set-password", "set_password", "set-password", words=("set_password.client",)),
    ConsolePage("/verify-email", "verify_email", "verify-email", words=("verify_email.client",)),
    ConsolePage("/invitation", "invitation", "invitation", words=("sign_up.client", "invitation.client")),
    ConsolePage("/sign-in-link", "sign_in_link", "sign-in-link", words=("sign_in_link.client", "ways.client")),
    ConsolePage("/not-me", "not_me", "not-me", words=("not_me.client",)),
    ConsolePage("/account", "account", "account", words=("account.client", "events")),
    ConsolePage("/boards", "boards", "boards"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page depends on: the language, whether there seems to be a session, and where to return to."""

    language: str
    is_signed_in: bool
    return_to: str | None


class Console:
    """Renders the pages of this deployment."""

    def __init__(self, settings: Settings, providers: Sequence[Provider]) -> None:
        self._settings = settings
        self._brand = Brand.of(settings)
        self._passkeys = usable(settings)
        self.assets = Assets(self._brand)
        self._words = {language: words_of(language) for language in SUPPORTED}
        self.origins = settings.trusted_origins
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._providers = [
            {"name": provider.name, "title": provider.title, "mark": self._mark_of(provider.kind)}
            for provider in providers
        ]
        self._templates.globals |= {"asset": self._address_of, "providers": self._providers}
        self._templates.filters |= {"attributes_of": _attributes}

    @property
    def default_language(self) -> str:
        """The language for people who prefer none of the supported ones."""
        return self._settings.default_language

    def render(self, page: ConsolePage, visit: Visit, **shown: object) -> str:
        """Render a page as HTML, with the values in `shown`; its script fetches the data from the API."""
        words = self._words[visit.language]
        return self._templates.get_template(f"{page.name}.html.j2").render(
            page=page,
            visit=visit,
            t=self._with_brand(words),
            settings=self._settings,
            brand=self._brand,
            languages=NAMES,
            logo=self._address_of(self.assets.logo),
            data=self._data(page, visit, words),
            **shown,
        )

    def _with_brand(self, words: Words) -> Callable[..., str]:
        """Make `{brand}` available in every text."""

        def text(key: str, **values: object) -> str:
            return words(key, brand=self._brand.name, **values)

        return text

    def _data(self, page: ConsolePage, visit: Visit, words: Words) -> Mapping[str, Any]:
        """Return the data that the page's script needs to start."""
        return {
            "signedIn": visit.is_signed_in,
            "returnTo": visit.return_to,
            "origins": self._origins_for(visit),
            # The domain of passkeys; null if browsers would refuse them.
            "rpId": self._passkeys.id if self._passkeys else None,
            "providers": self._providers,
            "neutralMark": self._mark_of(Kind.OIDC),
            "shortestPassword": self._settings.shortest_password,
            "words": words.below(*COMMON_WORDS, *page.words),
        }

    def _origins_for(self, visit: Visit) -> list[str]:
        """Return the other origins to which the page's script may redirect."""
        elsewhere = {origin_of(visit.return_to)} if visit.return_to and not visit.return_to.startswith("/") else set()
        return sorted(self.origins.named | elsewhere)

    def _mark_of(self, kind: str) -> str:
        return self._address_of(f"marks/{kind}.svg")

    def _address_of(self, name: str) -> str:
        if self.assets.get(name) is None:
            raise AssertionError(f"there is no asset {name}")
        return f"{PREFIX}/{self.assets.version}/{name}"


def _attributes(values: Mapping[str, object]) -> Markup:
    """Write HTML attributes: True means one without a value, False and None are omitted."""
    written = (
        escape(name) if value is True else Markup('{}="{}"').format(name, value)
        for name, value in values.items()
        if value is not None and value is not False
    )
    return Markup(" ").join(written)
