"""Asking a provider: every failure of the network is a provider that cannot be asked."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from gatepost.core.outbound import Answer, Outbound, OutboundError
from gatepost.identity.providers.provider import ProviderRefused, ProviderUnavailable, Refusal

# RFC 6749, section 5.2; others have such words, too.
ERROR_CODE = re.compile(r"[a-z][a-z_]{0,63}", re.ASCII)
# RFC 6749, section A.12: of an access token.
HEADER_TEXT = re.compile(r"[ -~]*")
# What a token endpoint says of wrong credentials of ours; the second is GitHub's.
OUR_CREDENTIALS = frozenset({"invalid_client", "incorrect_client_credentials", "unauthorized_client"})
TOO_MANY = 429
SERVER_ERRORS = 500


class Remote:
    """One provider, asked through the client for addresses of others.

    `named` is the issuer if the operator has named it: its origin may be inside the network.
    """

    def __init__(self, outbound: Outbound, *, named: str | None) -> None:
        self._outbound = outbound
        self._named = named

    async def ask(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Get an address.

        Raises:
            ProviderUnavailable: there is no answer, or it says that the provider fails.
        """
        return await self._request("GET", url, headers=headers)

    async def json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Get the JSON at an address.

        Raises:
            ProviderUnavailable: there is none.
        """
        return json_of(await self.ask(url, headers))

    async def tokens(
        self, url: str, form: Mapping[str, str], *, client_id: str, client_secret: str, basic: bool
    ) -> dict[str, Any]:
        """Redeem a code (RFC 6749, section 4.1.3), with our credentials in a header or, if not `basic`, in the form.

        Raises:
            ProviderUnavailable: there is no answer, or our credentials are refused.
            ProviderRefused: CODE; or TOKEN_ANSWER, the answer has another form.
        """
        headers = {}
        if basic:
            # Section 2.3.1: each is encoded as in a form before.
            pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form = {**form, "client_id": client_id, "client_secret": client_secret}
        answer = await self._request("POST", url, headers=headers, form=form)
        body = _json(answer)
        # GitHub answers errors with 200.
        if not isinstance(body, dict):
            raise ProviderRefused(Refusal.TOKEN_ANSWER)
        if not answer.is_success or "error" in body:
            said = str(body.get("error", ""))
            code = said if ERROR_CODE.fullmatch(said) else str(answer.status)
            if code in OUR_CREDENTIALS:
                raise ProviderUnavailable(f"{answer.host} refuses client_id or its secret ({code})")
            raise ProviderRefused(Refusal.CODE, code)
        if not HEADER_TEXT.fullmatch(str(body.get("access_token", ""))):
            raise ProviderRefused(Refusal.TOKEN_ANSWER, "an access token that no header can have")
        return body

    async def _request(self, method: str, url: str, **options: Any) -> Answer:
        try:
            answer = await self._outbound.request(method, url, named=self._named, **options)
        except OutboundError as error:
            raise ProviderUnavailable(str(error)) from None
        if answer.status == TOO_MANY or answer.status >= SERVER_ERRORS:
            raise ProviderUnavailable(f"{answer.host} answers {answer.status}")
        return answer


def json_of(answer: Answer) -> Any:
    """Return the JSON of a good answer.

    Raises:
        ProviderUnavailable: it is none.
    """
    if not answer.is_success:
        raise ProviderUnavailable(f"{answer.host} answers {answer.status}")
    return _json(answer)


def with_parameters(url: str, parameters: Mapping[str, str | None]) -> str:
    """Add parameters to an address, which may have some already; those that are None are left out."""
    said = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{url}{'&' if urlsplit(url).query else '?'}{said}"


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except OutboundError as error:
        raise ProviderUnavailable(str(error)) from None
