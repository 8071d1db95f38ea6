"""Rules of the code that no type checker enforces, checked on the source itself."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import gatepost
from gatepost.core.crypto import sealing
from gatepost.flows.signin.email_codes import cookies as email_code_cookies
from gatepost.identity.assurance import repository as pending_sign_ins
from gatepost.identity.credentials.email_codes import codes as email_codes
from gatepost.identity.credentials.passkeys import challenges, options
from gatepost.identity.credentials.recovery_codes import codes as recovery_codes
from gatepost.identity.credentials.totp import codes as totp_codes
from gatepost.identity.links import tokens as one_time_tokens
from gatepost.identity.throttling import devices

SOURCE = Path(gatepost.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 40

# Code that raises the framework's own error, and why that is right.
RAISES_HTTP = {
    "sdk/client.py:check": "it runs inside the apps of others, which do not have our error handler",
}
# Functions that are longer than a screen, and why that is right.
LONG = {
    "composition/identity.py:build_identity": "one call a service, nothing to decide",
    "composition/flows.py:build_flows": "the same",
}

# Code that spreads waits by `random`. Its next numbers can be predicted, so nothing secret is made with it.
GUESSABLE = {"core/db/database.py", "core/crypto/hashing_pool.py", "mail/worker.py"}
# Random values and their sizes: whatever must be unguessable is made by one of these calls and no other.
RANDOM = {
    "identity/links/tokens.py:ask": "secrets.token_hex(32)",
    "identity/links/tokens.py:new_token": "secrets.token_urlsafe(RANDOM_BYTES)",
    "flows/oauth/service.py:add": "secrets.token_urlsafe(32)",
    "core/ids.py:new_random_id": "secrets.randbelow(LARGEST_ID - SMALLEST_RANDOM_ID + 1)",
    "core/ids.py:new_random_text": "secrets.token_hex(8)",
    "core/db/leases.py:__init__": "secrets.token_hex(16)",
    "core/crypto/passwords.py:__init__": "secrets.token_hex()",
    "core/crypto/passwords.py:_add_kind": "secrets.token_hex()",
    "core/crypto/sealing.py:seal": "secrets.token_bytes(NONCE_BYTES)",
    "core/crypto/secrets.py:development_secret": "secrets.token_urlsafe(48)",
    "identity/credentials/recovery_codes/codes.py:new_code": "secrets.randbelow(1 << BITS)",
    "identity/credentials/recovery_codes/codes.py:new_key": "secrets.token_bytes(KEY_BYTES)",
    "identity/credentials/email_codes/codes.py:new_code": "secrets.randbelow(10 ** DIGITS)",
    "identity/credentials/email_codes/method.py:ask": "secrets.token_hex(32)",
    "flows/signin/email_codes/cookies.py:bind": "secrets.token_urlsafe(RANDOM_BYTES)",
    "identity/external/cookies.py:bind": "secrets.token_urlsafe(RANDOM_BYTES)",
    "identity/external/states.py:new": "secrets.token_bytes(RANDOM_BYTES)",
    "identity/credentials/totp/codes.py:new_secret": "secrets.token_bytes(SECRET_BYTES)",
    "identity/credentials/passkeys/challenges.py:add": "secrets.token_urlsafe(ID_BYTES)",
    "identity/credentials/passkeys/challenges.py:_new_challenge": "secrets.token_bytes(CHALLENGE_BYTES)",
    "identity/credentials/passkeys/repository.py:new_handle": "secrets.token_bytes(USER_HANDLE_BYTES)",
    "identity/assurance/repository.py:add": "secrets.token_urlsafe(RANDOM_BYTES)",
    "identity/assurance/trusted_devices.py:new_name": "secrets.token_urlsafe(NONCE_BYTES)",
    "identity/throttling/devices.py:write": "secrets.token_urlsafe(NONCE_BYTES)",
    "identity/providers/base.py:check_credentials": "secrets.token_urlsafe(32)",
    "mail/transports.py:_write": "secrets.token_hex(4)",
    # Names are public: the digits only have to differ.
    "identity/registration/usernames.py:suggestions": "secrets.randbelow(10 ** DIGITS)",
    "identity/tokens/access_tokens.py:_sign": "secrets.token_urlsafe(16)",
}
# Code that does cryptography, and its libraries; another place or library needs a review.
CRYPTOGRAPHY = {
    "cryptography": {
        "audit/chain.py",
        "core/crypto/ed25519.py",
        "core/crypto/jose.py",
        "core/crypto/jws.py",
        "core/crypto/sealing.py",
        "core/crypto/secrets.py",
        "identity/credentials/passkeys/public_keys.py",
        "identity/keys/vault.py",
    },
    "fido2": {
        "identity/credentials/passkeys/relying_party.py",
        "identity/credentials/passkeys/strict_cbor.py",
    },
    "jose": {"core/crypto/jose.py"},
    "passlib": {"core/crypto/passwords.py"},
    "ssl": {"core/db/tls.py", "core/network_causes.py", "core/outbound/client.py", "mail/smtp.py"},
}
# Where other hashes than SHA-256 are used, and why that is right.
OTHER_HASHES = {
    "identity/credentials/totp/codes.py": {"sha1"},  # authenticator apps have no other, and HMAC holds with it
    "identity/providers/id_token.py": {"sha384", "sha512"},  # `at_hash` has the hash of the token's algorithm
}
OTHER_CRYPTOGRAPHY = {"Crypto", "Cryptodome", "nacl", "rsa", "ecdsa", "jwt", "authlib", "bcrypt", "argon2", "crypt"}

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Where a transaction is opened without being run again after a conflict, and why that is right.
NOT_RETRIED = {
    "core/db/database.py:_transaction": "it is what begin() itself is made of",
}
# Where something is committed by hand, and why that is right.
COMMITS = {
    "core/db/migration_steps.py:run": "a migration is the operator's, and Alembic leaves the commit to its caller",
    "core/db/migration_steps.py:_migrate": "on MySQL each step is its own transaction",
}


@cache
def parsed(path: Path) -> ast.Module:
    """Return the tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a file, the inner ones too."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of inner functions."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def calls(function: Function, method: str) -> int:
    """Count the calls of methods of this name in a function."""
    return sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
        for node in own_nodes(function)
    )


def decorators(function: Function) -> set[str]:
    """Return the decorators of a function that are plain names."""
    return {node.id for node in function.decorator_list if isinstance(node, ast.Name)}


@cache
def all_functions() -> list[tuple[str, Function]]:
    """Return every function of the source by the name that the exceptions above use for it."""
    return [
        (f"{path.relative_to(SOURCE).as_posix()}:{function.name}", function)
        for path in FILES
        for function in functions(parsed(path))
    ]


def test_every_method_that_writes_is_run_again_after_a_conflict() -> None:
    writing = {name: function for name, function in all_functions() if calls(function, "begin")}
    bare = {name for name, function in writing.items() if "retry_conflicts" not in decorators(function)}

    assert len(writing) > len(NOT_RETRIED)
    assert bare == set(NOT_RETRIED)


def test_method_that_is_run_again_has_one_transaction() -> None:
    # With two, the first would already be committed when the method is run again.
    for name, function in all_functions():
        if "retry_conflicts" in decorators(function):
            assert calls(function, "begin") == 1, name


def test_only_the_end_of_a_block_commits() -> None:
    assert {name for name, function in all_functions() if calls(function, "commit")} == set(COMMITS)


def test_only_one_place_knows_how_http_fails() -> None:
    raising = {
        name
        for name, function in all_functions()
        for node in own_nodes(function)
        if isinstance(node, ast.Raise) and _raised(node) == "HTTPException"
    }

    assert raising == set(RAISES_HTTP)


def test_functions_fit_on_a_screen() -> None:
    long = {name for name, function in all_functions() if _lines_of_code(function) >= LONGEST_FUNCTION}

    assert long == set(LONG)


def test_files_fit_in_a_head() -> None:
    pages = [path for kind in ("*.js", "*.css", "*.j2") for path in SOURCE.rglob(kind)]
    client = (SOURCE.parents[1] / "packages/js").rglob("*.js")
    files = [path for path in (*FILES, *pages, *client) if "node_modules" not in path.parts]
    long = [path.name for path in files if path.read_text(encoding="utf-8").count("\n") > LONGEST_FILE]

    assert long == []


def test_what_nobody_may_guess_is_made_by_the_systems_generator() -> None:
    assert _importers("random") == GUESSABLE
    made_of_time = {name for name, function in all_functions() for call in ("uuid1", "uuid6") if calls(function, call)}
    assert made_of_time == set()


def test_whatever_nobody_may_guess_is_made_of_so_many_random_bytes() -> None:
    made = {
        name: ast.unparse(node)
        for name, function in all_functions()
        for node in own_nodes(function)
        if isinstance(node, ast.Call) and re.match(r"secrets\.(token|rand|choice)", ast.unparse(node.func))
    }

    assert made == RANDOM
    assert (one_time_tokens.RANDOM_BYTES, devices.NONCE_BYTES) == (32, 16)
    assert (totp_codes.SECRET_BYTES, sealing.NONCE_BYTES) == (20, 12)
    assert pending_sign_ins.RANDOM_BYTES == 32
    assert (challenges.ID_BYTES, challenges.CHALLENGE_BYTES, options.USER_HANDLE_BYTES) == (16, 32, 32)
    assert (recovery_codes.BITS, recovery_codes.KEY_BYTES) == (50, 32)
    assert (email_codes.DIGITS, email_code_cookies.RANDOM_BYTES) == (6, 32)


def test_cryptography_is_of_known_libraries_in_few_places() -> None:
    assert {library: _importers(library) for library in CRYPTOGRAPHY} == CRYPTOGRAPHY
    assert [library for library in OTHER_CRYPTOGRAPHY if _importers(library)] == []


def test_sha_256_is_the_only_hash_function() -> None:
    named = {
        (node.attr, path) for path in FILES for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hashlib"
    } | {
        (alias.name, path) for path in FILES for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module == "hashlib" for alias in node.names
    }  # fmt: skip
    others: dict[str, set[str]] = {}
    for name, path in named:
        if name != "sha256":
            others.setdefault(path.relative_to(SOURCE).as_posix(), set()).add(name)

    assert others == OTHER_HASHES


def test_imports_stand_at_the_top() -> None:
    inside = [
        name
        for name, function in all_functions()
        for node in own_nodes(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert inside == []


def test_public_name_says_what_it_promises() -> None:
    silent = []
    for path in FILES:
        tree = parsed(path)
        public = [
            node for node in tree.body
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
        ]  # fmt: skip
        file = path.relative_to(SOURCE).as_posix()
        silent += [file] if not ast.get_docstring(tree) else []
        silent += [f"{file}:{node.name}" for node in public if not ast.get_docstring(node)]

    assert silent == []


def _importers(library: str) -> set[str]:
    """Return the files that import a library or something in it."""
    return {path.relative_to(SOURCE).as_posix() for path in FILES if library in _imported(path)}


@cache
def _imported(path: Path) -> set[str]:
    """Return the libraries that a file imports from."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def _raised(node: ast.Raise) -> str:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    match raised:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _lines_of_code(function: Function) -> int:
    """Count the lines of a function without its docstring."""
    words = ast.get_docstring(function, clean=False) or ""
    return (function.end_lineno or 0) - function.lineno + 1 - words.count("\n")
