"""Tokens with a header that we do not write, well signed or by the attacker (RFC 8725, 3.1, 3.5, 3.9 to 3.11)."""

from collections.abc import Iterator
from typing import Any

from gatepost.core.crypto.jose import generate_private_pem, sign, signing_key_from_pem
from tests.support.attacks.target import Attack, Forge, Target, encode, to_json, with_header

TYPES: tuple[object, ...] = (
    "JWT", "jwt", "AT+JWT", "at+JWT", "application/at+jwt", "at+jwt ", " at+jwt", "at+jwt\u0000", "at+jwt;v=1",
    "id+jwt", "reset+jwt", "verify+jwt", "refresh+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "JOSE",
    "JOSE+JSON", "", None, True, 0, 1.5, [], ["at+jwt"], {}, {"at+jwt": 1},
)  # fmt: skip
KIDS: tuple[object, ...] = (
    "", "default", "0", "../../../../../../dev/null", "/dev/null", "file:///etc/passwd", "..\\..\\windows\\win.ini",
    "x' UNION SELECT '1';--", "' OR 1=1 --", '"; DROP TABLE signing_keys; --', "|sleep 10", "$(sleep 10)", "`id`",
    "| curl http://127.0.0.1/", "http://127.0.0.1/key", "{{7*7}}", "${jndi:ldap://127.0.0.1/a}", "\u0000", "*", "%",
    "k" * 5000, "\u202e", "__class__", None, True, False, 0, -1, 1.5, [], ["kid"], {}, {"$ne": ""},
)  # fmt: skip
EXTRA: dict[str, Any] = {
    "crit, empty": {"crit": []},
    "crit of a known member": {"crit": ["exp"], "exp": 1},
    "crit of alg": {"crit": ["alg"]},
    "crit of an unknown member": {"crit": ["http://example.com/unknown"], "http://example.com/unknown": True},
    "crit of what is not there": {"crit": ["unknown"]},
    "crit and b64 false": {"crit": ["b64"], "b64": False},
    "crit, a string": {"crit": "exp"},
    "crit, null": {"crit": None},
    "b64 false": {"b64": False},
    "b64 true": {"b64": True},
    "zip": {"zip": "DEF"},
    "cty JWT": {"cty": "JWT"},
    "enc": {"enc": "A128GCM"},
    "epk": {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "p2c": {"p2c": 2**31, "p2s": "AA"},
    "nonce": {"nonce": "1"},
    "claims repeated": {"iss": "http://localhost:8080", "sub": "1", "aud": "gatepost"},
    "a member without a name": {"": ""},
    "an object": {"x": {}},
}


def _members() -> Iterator[Attack]:
    for value in TYPES:
        yield Attack(f"typ {value!r}", with_header(typ=value))
    for value in KIDS:
        yield Attack(f"kid {str(value)[:40]!r} ({type(value).__name__})", with_header(kid=value))
    for name in ("alg", "kid", "typ"):
        yield Attack(f"no {name}", _without(name))
    for alg in (None, True, 1, 1.5, [], ["ES256"], {}, {"ES256": 1}, "ES256 ", "ES256\u0000", "x" * 5000):
        yield Attack(f"alg {str(alg)[:40]!r} ({type(alg).__name__})", with_header(alg=alg))
    for name, members in EXTRA.items():
        yield Attack(f"header with {name}", with_header(**members))
    yield Attack("kid in other case", lambda t: t.token(header=t.header | {"kid": t.key.kid.swapcase()}))
    yield Attack("kid with a space", lambda t: t.token(header=t.header | {"kid": t.key.kid + " "}))
    yield Attack("kid with NUL", lambda t: t.token(header=t.header | {"kid": t.key.kid + "\u0000"}))
    yield Attack("kid within a path", lambda t: t.token(header=t.header | {"kid": f"../keys/{t.key.kid}"}))
    yield Attack("kid in a list", lambda t: t.token(header=t.header | {"kid": [t.key.kid]}))


def _own_keys() -> Iterator[Attack]:
    """Bring the key along, or say where it can be fetched; the listener there must hear nothing."""
    for member in ("jku", "x5u", "url", "iss"):
        for form in ("{}/keys.json", "{}@localhost/keys.json", "{}/../.well-known/jwks.json#", "file:///dev/null"):
            yield Attack(f"{member} {form}, well signed", _pointing(member, form, by_stranger=False))
            yield Attack(f"{member} {form}, own key", _pointing(member, form, by_stranger=True))
    for member in ("jwk", "x5c", "x5t", "x5t#S256"):
        yield Attack(f"{member}, own key", _embedding(member))
    yield Attack("jwk of ours", lambda t: t.token(header=t.header | {"jwk": dict(t.key.verifying.jwk or {})}))
    yield Attack("own key under our kid", _under_our_kid)
    yield Attack("own key under its own kid", lambda t: sign(dict(t.claims), STRANGER, typ="at+jwt"))
    yield Attack("kid with a command to fetch", lambda t: t.token(header=t.header | {"kid": f"| curl {t.trap}/rce"}))
    yield Attack("kid with an address", lambda t: t.token(header=t.header | {"kid": f"{t.trap}/key.pem"}))


def _texts() -> Iterator[Attack]:
    """Headers that parsers disagree about, or stumble over."""
    good = '{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}'
    texts = {
        "alg twice, good last": '{{"alg":"none","alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}',
        "alg twice, good first": '{{"alg":"{alg}","alg":"none","kid":"{kid}","typ":"at+jwt"}}',
        "alg twice, the same": '{{"alg":"{alg}","alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}',
        "alg twice, escaped": '{{"alg":"{alg}","\\u0061lg":"none","kid":"{kid}","typ":"at+jwt"}}',
        "kid twice": '{{"alg":"{alg}","kid":"x","kid":"{kid}","typ":"at+jwt"}}',
        "typ twice": '{{"alg":"{alg}","kid":"{kid}","typ":"JWT","typ":"at+jwt"}}',
        "names in other case": '{{"ALG":"{alg}","KID":"{kid}","TYP":"at+jwt"}}',
        "a trailing comma": '{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt",}}',
        "a comment": '{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"/**/}}',
        "single quotes": "{{'alg':'{alg}','kid':'{kid}','typ':'at+jwt'}}",
        "no quotes": "{{alg:{alg},kid:{kid},typ:at+jwt}}",
        "something behind": good + "x",
        "a second object behind": good + good,
        "NUL behind": good + "\0",
        "an array around": "[" + good + "]",
        "cut off": '{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"',
        "a byte order mark": "\ufeff" + good,
        "a vertical tab in front": "\x0b" + good,
        "a no-break space in front": "\u00a0" + good,
        "NaN": '{{"alg":"{alg}","kid":"{kid}","typ":NaN}}',
        "Infinity": '{{"alg":"{alg}","kid":-Infinity,"typ":"at+jwt"}}',
        "1e999": '{{"alg":"{alg}","kid":1e999,"typ":"at+jwt"}}',
        "a number of 5,000 digits": '{{"alg":"{alg}","kid":' + "9" * 5000 + ',"typ":"at+jwt"}}',
        "half a surrogate pair": '{{"alg":"{alg}","kid":"\\ud800","typ":"at+jwt"}}',
        "U+0000": '{{"alg":"{alg}","kid":"\\u0000{kid}","typ":"at+jwt"}}',
        "an unescaped newline": '{{"alg":"{alg}","kid":"{kid}\n","typ":"at+jwt"}}',
        **{f"only {text!r}": text for text in ("", "{{}}", "[]", "null", "true", "0", '""', '"at+jwt"', "{{")},
        **{
            f"{depth} {kind} deep": '{{"alg":"{alg}","kid":"{kid}","typ":' + opening * depth + closing * depth + "}}"
            for kind, opening, closing in (("arrays", "[", "]"), ("objects", '{{"a":', "0}}"))
            for depth in (1, 400, 992)
        },
        "2,900 arrays deep, left open": '{{"alg":' + "[" * 2900,
    }  # fmt: skip
    for name, text in texts.items():
        yield Attack(f"header: {name}", _text(text))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
        yield Attack(f"header in {encoding}", _text(good, encoding))
    for name, junk in {
        "overlong": b"\xc0\xaf",
        "surrogate": b"\xed\xa0\x80",
        "latin-1": b"\xe9",
        "FF": b"\xff",
    }.items():
        yield Attack(f"header with bytes that are not UTF-8: {name}", _junk(junk))


def _without(name: str) -> Forge:
    return lambda t: t.token(header={key: value for key, value in t.header.items() if key != name})


def _text(text: str, encoding: str = "utf-8") -> Forge:
    return lambda t: t.text_token(header=text.format(alg=t.key.algorithm, kid=t.key.kid).encode(encoding))


def _junk(junk: bytes) -> Forge:
    return lambda t: t.text_token(header=to_json(t.header | {"kid": "?"}).encode().replace(b"?", junk))


def _pointing(member: str, form: str, *, by_stranger: bool) -> Forge:
    def forge(target: Target) -> str:
        header = target.header | {member: form.format(target.trap)}
        return _by_stranger(target, header) if by_stranger else target.token(header=header)

    return forge


def _embedding(member: str) -> Forge:
    jwk = dict(STRANGER.verifying.jwk or {})
    values: dict[str, Any] = {"jwk": jwk, "x5c": ["MIIB"], "x5t": STRANGER.kid, "x5t#S256": STRANGER.kid}
    return lambda t: _by_stranger(t, {"alg": "ES256", "kid": STRANGER.kid, "typ": "at+jwt", member: values[member]})


def _under_our_kid(target: Target) -> str:
    return _by_stranger(target, {"alg": "ES256", "kid": target.key.kid, "typ": "at+jwt"})


def _by_stranger(target: Target, header: dict[str, Any]) -> str:
    message = f"{encode(to_json(header))}.{encode(to_json(target.claims))}"
    return f"{message}.{encode(STRANGER.key.sign(message.encode()))}"


STRANGER = signing_key_from_pem(generate_private_pem("ES256"), "ES256")

ATTACKS = (*_members(), *_own_keys(), *_texts())
