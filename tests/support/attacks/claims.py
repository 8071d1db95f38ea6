"""Tokens that are well signed and whose claims are not those of an access token of ours, now (RFC 8725, 3.7 to 3.9)."""

from collections.abc import Callable, Iterator

from tests.support.attacks.target import Attack, Forge, Target, to_json, with_claims

REQUIRED = ("iss", "aud", "sub", "jti", "iat", "exp")
NOT_A_TIME = (
    "null", "true", "false", '""', '"4102444800"', "[]", "[4102444800]", "{}", "4102444800.0", "4102444800.5",
    "4.1024448e9", "-1", "9007199254740993", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 400, "9" * 4400,
    "0x7fffffff", "1_000", "04102444800", "+4102444800", "\uff14\uff11\uff10\uff12",
)  # fmt: skip
NOT_A_NAME: tuple[object, ...] = (None, True, 0, 1, 1.5, "", [], ["1"], {}, {"1": 1})
SKEW = 60


def _times() -> Iterator[Attack]:
    for name in ("exp", "nbf", "iat"):
        for text in NOT_A_TIME:
            yield Attack(f"{name} {text[:30]} ({len(text)})", _raw(name, text))

    def at(name: str, seconds: int) -> Forge:
        return lambda t: t.token(claims={**t.claims, name: t.claims["iat"] + seconds})

    yield Attack("iat beyond the skew", at("iat", SKEW + 1))
    yield Attack("iat of next year", at("iat", 365 * 86400))
    yield Attack("nbf beyond the skew", at("nbf", SKEW + 1))
    yield Attack("exp equal to now", at("exp", 0), code="token_expired")
    yield Attack("exp a second ago", at("exp", -1), code="token_expired")
    yield Attack("exp in 1970", with_claims(exp=0), code="token_expired")
    yield Attack(
        "expired, and of another issuer",
        lambda t: t.token(claims={**t.claims, "exp": 1, "iss": "https://evil.example"}),
    )


def _names() -> Iterator[Attack]:
    for name in REQUIRED:
        yield Attack(f"no {name}", _without(name))
    for name in ("iss", "aud", "sub", "jti"):
        for value in NOT_A_NAME:
            yield Attack(f"{name} {value!r}", with_claims(**{name: value}))
    changes: dict[str, Callable[[str], object]] = {
        "with a slash": lambda value: value + "/",
        "with a space": lambda value: value + " ",
        "with NUL": lambda value: value + "\0",
        "in upper case": lambda value: value.upper(),
        "with more behind": lambda value: value + ".evil.example",
        "cut short": lambda value: value[:-1],
        "in a list": lambda value: [value],
        "in a list with another": lambda value: ["https://evil.example", value],
        "in a list twice": lambda value: [value, value],
        "in an object": lambda value: {value: True},
    }
    for name in ("iss", "aud"):
        for what, change in changes.items():
            yield Attack(f"{name} {what}", _changed(name, change))
    yield Attack("iss of the listener", lambda t: t.token(claims={**t.claims, "iss": t.trap}))
    yield Attack("aud of another service", with_claims(aud="https://other.example"))


def _texts() -> Iterator[Attack]:
    """Claims that parsers disagree about, or stumble over."""
    twice: dict[str, Callable[[str, Target], str]] = {
        "exp twice": lambda good, _: f'{{"exp":9999999999,{good[1:]}',
        "exp twice, escaped": lambda good, _: f'{{"\\u0065xp":9999999999,{good[1:]}',
        "sub twice": lambda good, _: f'{good[:-1]},"sub":"1"}}',
        "aud twice": lambda good, t: f'{good[:-1]},"aud":{to_json(t.claims["aud"])}}}',
        "roles twice": lambda good, _: f'{good[:-1]},"roles":["admin"]}}',
        "a member twice further in": lambda good, _: f'{good[:-1]},"x":[{{"a":1,"a":2}}]}}',
    }
    around: dict[str, Callable[[str, Target], str]] = {
        "in an array": lambda good, _: f"[{good}]",
        "in a string": lambda good, _: to_json(good),
        "two objects": lambda good, _: good + good,
        "something behind": lambda good, _: good + "x",
        "NUL behind": lambda good, _: good + "\0",
        "a trailing comma": lambda good, _: good[:-1] + ",}",
        "a comment": lambda good, _: good[:-1] + "/* */}",
        "cut off": lambda good, _: good[:-1],
        "a byte order mark": lambda good, _: "\ufeff" + good,
        "NaN further in": lambda good, _: f'{good[:-1]},"x":NaN}}',
        "1e999 further in": lambda good, _: f'{good[:-1]},"x":[1e999]}}',
        "half a surrogate pair": lambda good, _: f'{good[:-1]},"x":"\\udc00"}}',
        "half a pair as a name": lambda good, _: f'{good[:-1]},"\\ud800":1}}',
        "U+0000": lambda good, _: f'{good[:-1]},"x":"\\u0000"}}',
        "a name with U+0000": lambda good, _: f'{good[:-1]},"sub\\u0000":"1"}}',
        "another token (nested)": lambda _, t: t.good,
        "more than 8 KiB": lambda good, _: f'{good[:-1]},"x":"{"x" * 8192}"}}',
        "more than 1 MiB": lambda good, _: f'{good[:-1]},"x":"{"x" * 2**20}"}}',
    }
    deep: dict[str, Callable[[str, Target], str]] = {
        f"{depth} {kind} deep": _deep(opening * depth + closing * depth)
        for kind, opening, closing in (("arrays", "[", "]"), ("objects", '{"a":', "0}"))
        for depth in (8, 9, 300, 992)
    }
    only = ("", "{}", "[]", "null", "true", "0", '"text"', "{", "{}{}", "\0")
    for name, text in (twice | around | deep).items():
        yield Attack(f"claims: {name}", _text(text))
    for whole in only:
        yield Attack(f"claims: only {whole!r}", _whole(whole))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Attack(f"claims in {encoding}", _in_encoding(encoding))
    for junk in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xe9", b"\xff\xfe"):
        yield Attack(f"claims with bytes that are not UTF-8: {junk.hex()}", _junk(junk))


def _raw(name: str, text: str) -> Forge:
    def forge(target: Target) -> str:
        rest = {key: value for key, value in target.claims.items() if key != name}
        return target.text_token(claims=f'{{"{name}":{text},{to_json(rest)[1:]}')

    return forge


def _without(name: str) -> Forge:
    return lambda t: t.token(claims={key: value for key, value in t.claims.items() if key != name})


def _changed(name: str, change: Callable[[str], object]) -> Forge:
    return lambda t: t.token(claims={**t.claims, name: change(t.claims[name])})


def _text(text: Callable[[str, Target], str]) -> Forge:
    return lambda t: t.text_token(claims=text(to_json(t.claims), t))


def _whole(text: str) -> Forge:
    return lambda t: t.text_token(claims=text)


def _deep(value: str) -> Callable[[str, Target], str]:
    return lambda good, _: f'{good[:-1]},"x":{value}}}'


def _in_encoding(encoding: str) -> Forge:
    return lambda t: t.text_token(claims=to_json(t.claims).encode(encoding))


def _junk(junk: bytes) -> Forge:
    return lambda t: t.text_token(claims=to_json({**t.claims, "x": "?"}).encode().replace(b"?", junk))


ATTACKS = (*_times(), *_names(), *_texts())
