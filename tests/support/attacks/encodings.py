"""Tokens in another form than compact serialization, or in base64url that is not canonical (RFC 7515, RFC 8725 3.7)."""

from collections.abc import Callable, Iterator

from tests.support.attacks.target import Attack, Forge, Target, encode, to_json

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PARTS = ("header", "claims", "signature")
# What a lax decoder skips, folds or misreads in the middle of a part.
INSIDE = {
    "a space": " ", "four spaces": "    ", "a tab": "\t", "a newline": "\n", "a return": "\r", "CRLF": "\r\n",
    "NUL": "\0", "'='": "=", "'+'": "+", "'/'": "/", "'?'": "?", "'#'": "#", "'%41'": "%41", "'~'": "~", "','": ",",
    "a quote": '"', "a backslash": "\\", "é": "é", "a no-break space": "\u00a0", "a soft hyphen": "\u00ad",
    "a zero-width space": "\u200b", "a byte order mark": "\ufeff", "a full-width A": "\uff21",
    "an Arabic digit": "\u0661", "a Cyrillic а": "\u0430", "a letter beyond 16 bits": "\U0001d400",
    "half a surrogate pair": "\ud800", "the long s": "\u017f", "the Kelvin sign": "\u212a",
}  # fmt: skip
BEHIND = {"'='": "=", "'=='": "==", "'===='": "====", "a space": " ", "NUL": "\0", "'A'": "A", "'AAAA'": "AAAA"}


def _segments() -> Iterator[Attack]:
    for index, part in enumerate(PARTS):
        for name, text in INSIDE.items():
            yield Attack(f"{name} in the {part}", _good_with(index, _inserted(text)))
        for name, text in BEHIND.items():
            # HTTP strips a space at the very end of a field.
            bare = part == "signature" and not text.strip()
            yield Attack(f"{name} behind the {part}", _good_with(index, _appended(text)), over_http=not bare)
        yield Attack(f"unused bits of the {part} set", _good_with(index, _with_unused_bits))
        yield Attack(f"the {part} in other case", _good_with(index, str.swapcase))
        yield Attack(f"the {part} in hexadecimal", _good_with(index, lambda segment: segment.encode().hex()))
    for name, text in (INSIDE | {"padding": "="}).items():
        yield Attack(f"{name} in the claims, signed with it", _signed_with(1, _inserted(text)))
        yield Attack(f"{name} behind the header, signed with it", _signed_with(0, _appended(text)))
    yield Attack("the plain alphabet, signed with it", _plain_alphabet)
    yield Attack("unused bits of the claims set, signed with it", _signed_with(1, _with_unused_bits))
    yield Attack("unused bits of the header set, signed with it", _signed_with(0, _with_unused_bits))
    yield Attack("claims that are not encoded", lambda t: t.segment_token(encode(to_json(t.header)), to_json(t.claims)))
    yield Attack("header that is not encoded", lambda t: t.segment_token(to_json(t.header), encode(to_json(t.claims))))


def _forms() -> Iterator[Attack]:
    forms: dict[str, Callable[[str, str, str], str]] = {
        "flattened JSON serialization": lambda h, c, s: to_json({"protected": h, "payload": c, "signature": s}),
        "general JSON serialization": lambda h, c, s: to_json(
            {"payload": c, "signatures": [{"protected": h, "signature": s}]}
        ),
        "JSON serialization, encoded": lambda h, c, s: encode(to_json({"protected": h, "payload": c, "signature": s})),
        "JWE": lambda h, c, _: f"{encode(to_json({'alg': 'dir', 'enc': 'A256GCM'}))}..{h}.{c}.AAAA",
        "JWE of PBES2 with many rounds": lambda h, c, _: (
            f"{encode(to_json({'alg': 'PBES2-HS256+A128KW', 'enc': 'A128GCM', 'p2c': 2**31}))}.AA.{h}.{c}.AA"
        ),
        "in quotes twice over": lambda h, c, s: f"'\"{h}.{c}.{s}\"'",
        "in angle brackets": lambda h, c, s: f"<{h}.{c}.{s}>",
        "'Bearer' twice": lambda h, c, s: f"Bearer {h}.{c}.{s}",
        "two tokens, by comma": lambda h, c, s: f"{h}.{c}.{s},{h}.{c}.{s}",
        "two tokens, by space": lambda h, c, s: f"{h}.{c}.{s} {h}.{c}.{s}",
        "two tokens, by full stop": lambda h, c, s: f"{h}.{c}.{s}.{h}.{c}.{s}",
        "encoded once more": lambda h, c, s: encode(f"{h}.{c}.{s}"),
        "full stops escaped": lambda h, c, s: f"{h}%2e{c}%2e{s}",
        "ideographic full stops": lambda h, c, s: f"{h}\u3002{c}\u3002{s}",
        "full-width full stops": lambda h, c, s: f"{h}\uff0e{c}\uff0e{s}",
        "only full stops": lambda *_: "." * 4000,
        "one letter": lambda *_: "a",
        "null": lambda *_: "null",
        "undefined": lambda *_: "undefined",
        "100 KiB": lambda *_: "A" * 50000 + "." + "A" * 50000 + ".A",
        "a good token with 8 KiB behind": lambda h, c, s: f"{h}.{c}.{s}{'A' * 8192}",
    }
    for name, form in forms.items():
        yield Attack(f"form: {name}", _form(form))
    for name, text in {"nothing": "", "a space": " ", "a newline": "\n"}.items():
        yield Attack(f"form: {name}", _just(text), over_http=False)
    for name, text in {"space": " ", "tab": "\t", "newline": "\n", "return": "\r", "CRLF": "\r\n"}.items():
        yield Attack(f"a {name} in front", _around(text, ""), over_http=False)
        yield Attack(f"a {name} behind", _around("", text), over_http=False)


def _good_with(index: int, change: Callable[[str], str]) -> Forge:
    def forge(target: Target) -> str:
        parts = target.good.split(".")
        parts[index] = change(parts[index])
        return ".".join(parts)

    return forge


def _signed_with(index: int, change: Callable[[str], str]) -> Forge:
    def forge(target: Target) -> str:
        parts = target.good.split(".")
        parts[index] = change(parts[index])
        return target.segment_token(parts[0], parts[1])

    return forge


def _inserted(text: str) -> Callable[[str], str]:
    return lambda segment: segment[:8] + text + segment[8:]


def _appended(text: str) -> Callable[[str], str]:
    return lambda segment: segment + text


def _with_unused_bits(segment: str) -> str:
    """Set a bit that decoding throws away; a part without such bits gets a last character that is none."""
    if len(segment) % 4 == 0:
        return segment + "A"
    return segment[:-1] + ALPHABET[ALPHABET.index(segment[-1]) | 1]


def _plain_alphabet(target: Target) -> str:
    header = encode(to_json(target.header))
    claims = encode(to_json({**target.claims, "x": "\u00ff\u00ff??>>~~"}).replace("\\u00ff", "\u00ff"))
    assert set(claims) & {"-", "_"}
    return target.segment_token(header, claims.replace("-", "+").replace("_", "/"))


def _form(form: Callable[[str, str, str], str]) -> Forge:
    return lambda target: form(*target.good.split("."))


def _just(text: str) -> Forge:
    return lambda _: text


def _around(front: str, behind: str) -> Forge:
    return lambda target: front + target.good + behind


ATTACKS = (*_segments(), *_forms())
