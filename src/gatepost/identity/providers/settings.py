"""The settings of one provider."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from gatepost.core.crypto import jose
from gatepost.core.crypto.jws import WeakKeyError
from gatepost.core.origins import ON_THIS_MACHINE, origin_of
from gatepost.core.settings.types import CommaSeparated
from gatepost.identity.providers.presets import PRESETS, Kind, Preset
from gatepost.identity.providers.profile import LONGEST_ISSUER

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


def _issuer(text: str) -> str:
    """Refuse what no provider calls itself. The text is kept: it is compared exactly."""
    origin = origin_of(text)
    if "?" in text or "#" in text:
        raise ValueError("it has a query or a fragment")
    if not origin.startswith("https://") and not ON_THIS_MACHINE.fullmatch(origin):
        raise ValueError("it must be https; http is only for this machine, in development")
    return text


def _p256(pem: SecretStr) -> SecretStr:
    """Refuse what is not the private key that Apple gives out. In a variable, `\\n` stands for a line break."""
    text = pem.get_secret_value().replace("\\n", "\n")
    try:
        jose.signing_key_from_pem(text.encode(), "ES256")
    except WeakKeyError:
        raise ValueError("it is not a key on the curve P-256") from None
    except (ValueError, TypeError):
        raise ValueError("it is not a private key in PEM, as in Apple's file AuthKey_….p8") from None
    return SecretStr(text)


# The tenant of all personal accounts at Microsoft; their metadata name it, and not "consumers".
MICROSOFT_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
Issuer = Annotated[str, Field(max_length=LONGEST_ISSUER), AfterValidator(_issuer)]
Word = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
TENANTS = r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|common|organizations|consumers)$"


class ProviderSettings(BaseModel):
    """One provider. Each kind needs some of the keys, takes some more, and refuses the rest (`presets.py`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    kind: Kind
    title: Annotated[str, Field(min_length=1, max_length=40)]
    client_id: Word
    client_secret: Annotated[SecretStr, Field(min_length=1, max_length=1024)] | None = None
    issuer: Issuer | None = None
    scopes: Annotated[str, Field(max_length=400, pattern=r"^[!#-\[\]-~]+( [!#-\[\]-~]+)*$")] | None = None
    trusts_email: bool = False
    second_factor_amr: CommaSeparated = ()
    second_factor_acr: CommaSeparated = ()
    tenant: Annotated[str, Field(pattern=TENANTS)] = "common"
    allowed_tenants: CommaSeparated = ()
    team_id: Word | None = None
    key_id: Word | None = None
    private_key: Annotated[SecretStr, AfterValidator(_p256)] | None = None

    @property
    def preset(self) -> Preset:
        """What is known of its kind."""
        return PRESETS[self.kind]

    @property
    def address(self) -> str:
        """The issuer by the settings or the kind: where its metadata are."""
        tenant = MICROSOFT_CONSUMERS if self.tenant == "consumers" else self.tenant
        return (self.issuer or self.preset.issuer).replace("{tenant}", tenant)
