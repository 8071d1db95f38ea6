"""Tokens with a signature that is absent, another's, malformed, or of another algorithm (RFC 8725, 2.1 and 3.1)."""

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatepost.core.crypto.jose import NEW_RSA_BITS
from tests.support.attacks.target import (
    ALGORITHMS,
    ASYMMETRIC,
    ES256,
    HS256,
    RS256,
    Attack,
    Forge,
    Target,
    decode,
    encode,
    hmac_of,
    resigned,
    to_json,
    with_header,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RSA_BYTES = NEW_RSA_BITS // 8
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

Change = Callable[[bytes], bytes]


def _none() -> Iterator[Attack]:
    def forge(alg: object, signature: str) -> Forge:
        return lambda t: f"{encode(to_json(t.header | {'alg': alg}))}.{encode(to_json(t.claims))}.{signature}"

    for alg in ("none", "None", "NONE", "nOnE", "none ", "", None, False, 0):
        yield Attack(f"alg {alg!r} without a signature", forge(alg, ""))
        yield Attack(f"alg {alg!r} with a signature of nothing", forge(alg, "AA"))
        yield Attack(f"alg {alg!r}, well signed", with_header(alg=alg))


def _parts() -> Iterator[Attack]:
    """Take the three parts of a good token apart."""

    def forge(shape: Callable[[str, str, str], str]) -> Forge:
        return lambda target: shape(*target.good.split("."))

    shapes: dict[str, Callable[[str, str, str], str]] = {
        "no signature": lambda h, c, _: f"{h}.{c}.",
        "no signature, no separator": lambda h, c, _: f"{h}.{c}",
        "no claims": lambda h, _, s: f"{h}..{s}",
        "no claims, no separator": lambda h, _, s: f"{h}.{s}",
        "no header": lambda _, c, s: f".{c}.{s}",
        "no header, no separator": lambda _, c, s: f"{c}.{s}",
        "claims alone": lambda _, c, __: c,
        "claims between separators": lambda _, c, __: f".{c}.",
        "separators alone": lambda *_: "..",
        "an empty fourth part": lambda h, c, s: f"{h}.{c}.{s}.",
        "a fourth part": lambda h, c, s: f"{h}.{c}.{s}.Zm9v",
        "five parts, as JWE has": lambda h, c, s: f"{h}.{c}.{s}.{c}.{s}",
        "an empty part in front": lambda h, c, s: f".{h}.{c}.{s}",
        "signature first": lambda h, c, s: f"{s}.{h}.{c}",
        "changed first character of the signature": lambda h, c, s: f"{h}.{c}.{_other(s[0])}{s[1:]}",
        "changed middle of the signature": lambda h, c, s: f"{h}.{c}.{s[:20]}{_other(s[20])}{s[21:]}",
        "four characters cut off": lambda h, c, s: f"{h}.{c}.{s[:-4]}",
        "one character cut off": lambda h, c, s: f"{h}.{c}.{s[:-1]}",
        "signature twice": lambda h, c, s: f"{h}.{c}.{s}{s}",
        "changed claims": lambda h, c, s: f"{h}.{encode(decode(c).replace(b'user', b'root'))}.{s}",
        "changed header": lambda h, c, s: f"{encode(decode(h).replace(b'at+jwt', b'AT+jwt'))}.{c}.{s}",
        "spaces added to the header": lambda h, c, s: f"{encode(b' ' + decode(h))}.{c}.{s}",
        "spaces added to the claims": lambda h, c, s: f"{h}.{encode(decode(c) + b' ')}.{s}",
    }  # fmt: skip
    for name, shape in shapes.items():
        yield Attack(name, forge(shape))


def _bytes() -> Iterator[Attack]:
    """Change the bytes of a good signature."""
    changes: dict[str, Change] = {
        "all zero": lambda s: bytes(len(s)),
        "all ones": lambda s: b"\xff" * len(s),
        "one zero byte": lambda _: b"\0",
        "the last byte cut off": lambda s: s[:-1],
        "the first byte cut off": lambda s: s[1:],
        "a zero byte in front": lambda s: b"\0" + s,
        "a zero byte behind": lambda s: s + b"\0",
        "halved": lambda s: s[: len(s) // 2],
        "doubled": lambda s: s + s,
        "a bit turned": lambda s: s[:-1] + bytes([s[-1] ^ 1]),
        "reversed": lambda s: s[::-1],
        "the claims in its place": lambda _: b'{"sub":"1"}',
    }
    for name, change in changes.items():
        yield Attack(f"signature: {name}", changed(change))
    yield Attack(
        "signature of another token",
        lambda target: f"{target.good.rpartition('.')[0]}.{target.token(claims={'sub': '1'}).rpartition('.')[2]}",
    )
    # Whoever reads claims before the signature calls it expired.
    yield Attack(
        "expired, with the signature of another token",
        lambda t: f"{t.token(claims={**t.claims, 'exp': 1}).rpartition('.')[0]}.{t.good.rpartition('.')[2]}",
    )


def _hmac_confusion() -> Iterator[Attack]:
    """Take a public key, or a guess, for a shared secret."""
    spki, sec1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.UncompressedPoint
    secrets: dict[str, tuple[Callable[[Target], bytes], tuple[str, ...]]] = {
        "public PEM": (lambda t: t.public_bytes(Encoding.PEM, spki), ASYMMETRIC),
        "public PEM, trimmed": (lambda t: t.public_bytes(Encoding.PEM, spki).strip(), ASYMMETRIC),
        "public PEM with CRLF": (lambda t: t.public_bytes(Encoding.PEM, spki).replace(b"\n", b"\r\n"), ASYMMETRIC),
        "public DER": (lambda t: t.public_bytes(Encoding.DER, spki), ASYMMETRIC),
        "public PKCS #1": (lambda t: t.public_bytes(Encoding.PEM, PublicFormat.PKCS1), (RS256,)),
        "public point": (lambda t: t.public_bytes(Encoding.X962, sec1), (ES256,)),
        "public JWK": (lambda t: to_json(dict(t.key.verifying.jwk or {})).encode(), ASYMMETRIC),
        "modulus": (lambda t: decode((t.key.verifying.jwk or {})["n"]), (RS256,)),
        "kid": (lambda t: t.key.kid.encode(), (*ASYMMETRIC, HS256)),
        "nothing": (lambda _: b"", (*ASYMMETRIC, HS256)),
        "32 zero bytes": (lambda _: bytes(32), (*ASYMMETRIC, HS256)),
        "'secret'": (lambda _: b"secret", (*ASYMMETRIC, HS256)),
        "'1'": (lambda _: b"1", (*ASYMMETRIC, HS256)),
        "'your-256-bit-secret'": (lambda _: b"your-256-bit-secret", (*ASYMMETRIC, HS256)),
    }

    def forge(secret: Callable[[Target], bytes], digest: hashes.HashAlgorithm, alg: str) -> Forge:
        return resigned(lambda t, message: hmac_of(secret(t), message, digest), alg=alg)

    digests = {"HS256": hashes.SHA256(), "HS384": hashes.SHA384(), "HS512": hashes.SHA512()}
    for name, (secret, algorithms) in secrets.items():
        for alg, digest in digests.items():
            yield Attack(f"{alg} under {name}", forge(secret, digest, alg), algorithms)


def _other_names() -> Iterator[Attack]:
    """Sign well, and name an algorithm that the key is not for."""
    for alg in ("ES256", "ES384", "ES512", "ES256K", "RS256", "RS384", "PS256", "HS256", "HS512", "EdDSA", "es256"):
        others = tuple(own for own in ALGORITHMS if own != alg)
        yield Attack(f"well signed, but alg {alg}", with_header(alg=alg), others)
    for alg, stranger in ((ES256, _stranger_es256), (RS256, _stranger_rs256), (HS256, _stranger_hs256)):
        yield Attack("signed by a stranger", resigned(stranger), (alg,))


def _other_digests() -> Iterator[Attack]:
    """Sign with the right key by another algorithm, whether the header tells or not."""

    def by_hmac(digest: hashes.HashAlgorithm, alg: str) -> Forge:
        return resigned(lambda t, message: hmac_of(t.secret, message, digest), alg=alg)

    def by_rsa(pad: padding.AsymmetricPadding, digest: hashes.HashAlgorithm, alg: str) -> Forge:
        return resigned(lambda t, message: t.private.sign(message, pad, digest), alg=alg)

    def by_ecdsa(digest: hashes.HashAlgorithm) -> Forge:
        return resigned(lambda t, message: _p1363(t.private.sign(message, ec.ECDSA(digest))))

    larger: tuple[hashes.HashAlgorithm, ...] = (hashes.SHA384(), hashes.SHA512())
    for digest in larger:
        bits = digest.digest_size * 8
        yield Attack(f"ECDSA over {digest.name}", by_ecdsa(digest), (ES256,))
        for alg in (f"HS{bits}", HS256):
            yield Attack(f"HMAC over {digest.name}, called {alg}", by_hmac(digest, alg), (HS256,))
        for alg in (f"RS{bits}", RS256):
            yield Attack(f"RSA over {digest.name}, called {alg}", by_rsa(padding.PKCS1v15(), digest, alg), (RS256,))
    for alg in ("PS256", RS256):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        yield Attack(f"RSA with PSS, called {alg}", by_rsa(pss, hashes.SHA256(), alg), (RS256,))


def _ecdsa() -> Iterator[Attack]:
    """Numbers that a careless verifier takes, such as zero, which fits every message, and other lengths."""

    def fixed(signature: bytes) -> Forge:
        return resigned(lambda *_: signature)

    edges = {"0": 0, "1": 1, "n-1": P256_ORDER - 1, "n": P256_ORDER, "n+1": P256_ORDER + 1, "2^256-1": 2**256 - 1}
    for r_name, r in edges.items():
        for s_name, s in edges.items():
            yield Attack(f"ECDSA r={r_name} s={s_name}", fixed(r.to_bytes(32) + s.to_bytes(32)), (ES256,))
    changes: dict[str, Change] = {
        "in DER": lambda s: encode_dss_signature(*_numbers(s)),
        "r and s changed over": lambda s: s[32:] + s[:32],
        "each of 33 bytes": lambda s: b"\0" + s[:32] + b"\0" + s[32:],
        "each of 33 bytes, r + n": lambda s: (_numbers(s)[0] + P256_ORDER).to_bytes(33) + b"\0" + s[32:],
        "each of 33 bytes, s + n": lambda s: b"\0" + s[:32] + (_numbers(s)[1] + P256_ORDER).to_bytes(33),
        "each of 48 bytes": lambda s: bytes(16) + s[:32] + bytes(16) + s[32:],
        "each of 256 bytes": lambda s: bytes(224) + s[:32] + bytes(224) + s[32:],
        "r alone": lambda s: s[:32],
        "s alone": lambda s: s[32:],
    }
    for name, change in changes.items():
        yield Attack(f"ECDSA {name}", changed(change), (ES256,))


def _rsa() -> Iterator[Attack]:
    """PKCS #1 v1.5 with another padding than the only right one, and numbers that fit without a key."""

    def block(data: bytes, *, kind: int = 1, fill: bytes = b"\xff", size: int = RSA_BYTES) -> bytes:
        return bytes([0, kind]) + fill * (size - 3 - len(data)) + b"\0" + data

    def digest(message: bytes) -> bytes:
        hasher = hashes.Hash(hashes.SHA256())
        hasher.update(message)
        return hasher.finalize()

    def by_key(padded: Change) -> Forge:
        return resigned(lambda t, message: _raw_rsa(t.private, padded(message)))

    blocks: dict[str, Change] = {
        "block type 2": lambda m: block(SHA256_INFO + digest(m), kind=2),
        "block type 0": lambda m: block(SHA256_INFO + digest(m), kind=0),
        "padding of zeros": lambda m: block(SHA256_INFO + digest(m), fill=b"\0"),
        "padding of AA": lambda m: block(SHA256_INFO + digest(m), fill=b"\xaa"),
        "digest without its name": lambda m: block(digest(m)),
        "name of SHA-1": lambda m: block(bytes.fromhex("3021300906052b0e03021a05000414") + digest(m)[:20]),
        "no NULL parameter": lambda m: block(bytes.fromhex("302f300b06096086480165030402010420") + digest(m)),
        "digest cut short": lambda m: block(SHA256_INFO + digest(m)[:31]),
        "zeros behind the digest": lambda m: block(SHA256_INFO + digest(m) + bytes(8)),
        "short padding and garbage behind": lambda m: (
            block(SHA256_INFO + digest(m), size=64) + b"\x5a" * (RSA_BYTES - 64)
        ),
        "short padding and zeros behind": lambda m: block(SHA256_INFO + digest(m), size=64) + bytes(RSA_BYTES - 64),
        "long form of a length": lambda m: block(bytes.fromhex("308131") + SHA256_INFO[2:] + digest(m)),
        "indefinite length": lambda m: block(b"\x30\x80" + SHA256_INFO[2:] + digest(m) + bytes(2)),
        "length too large": lambda m: block(b"\x30\x32" + SHA256_INFO[2:] + digest(m)),
        "wrong tag": lambda m: block(b"\x31" + SHA256_INFO[1:] + digest(m)),
    }
    for name, padded in blocks.items():
        yield Attack(f"RSA with {name}", by_key(padded), (RS256,))
    values: dict[str, Callable[[Target, bytes], bytes]] = {
        "the padded digest itself": lambda _, m: block(SHA256_INFO + digest(m)),
        "0": lambda *_: bytes(RSA_BYTES),
        "1": lambda *_: bytes(RSA_BYTES - 1) + b"\1",
        "n - 1": lambda t, _: (t.private.private_numbers().public_numbers.n - 1).to_bytes(RSA_BYTES),
        "n": lambda t, _: t.private.private_numbers().public_numbers.n.to_bytes(RSA_BYTES),
        "s + n": lambda t, m: (
            int.from_bytes(t.sign(m)) + t.private.private_numbers().public_numbers.n
        ).to_bytes(RSA_BYTES + 1),
    }  # fmt: skip
    for name, value in values.items():
        yield Attack(f"RSA signature {name}", resigned(value), (RS256,))


def changed(change: Change) -> Forge:
    """Return a forge that changes the bytes of a good signature."""
    return resigned(lambda target, message: change(target.sign(message)))


def _other(character: str) -> str:
    return "B" if character == "A" else "A"


def _numbers(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])


def _p1363(der: bytes) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(32) + s.to_bytes(32)


def _raw_rsa(private: rsa.RSAPrivateKey, block: bytes) -> bytes:
    numbers = private.private_numbers()
    return pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(RSA_BYTES)


def _stranger_es256(_: Target, message: bytes) -> bytes:
    return _p1363(ec.generate_private_key(ec.SECP256R1()).sign(message, ec.ECDSA(hashes.SHA256())))


def _stranger_rs256(_: Target, message: bytes) -> bytes:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return stranger.sign(message, padding.PKCS1v15(), hashes.SHA256())


def _stranger_hs256(_: Target, message: bytes) -> bytes:
    return hmac_of(b"the secret of a stranger, 32 bytes", message)


ATTACKS = (*_none(), *_parts(), *_bytes(), *_hmac_confusion(), *_other_names(), *_other_digests(), *_ecdsa(), *_rsa())
