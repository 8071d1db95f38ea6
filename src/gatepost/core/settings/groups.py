"""Every setting, by subject. The name in the environment is the attribute's name in upper case."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from gatepost.core.db.tls import DatabaseTls
from gatepost.core.db.url import require_host
from gatepost.core.settings.types import CommaSeparated, Origins, PositiveInt, PositiveSeconds, PublicUrl

LARGEST_PORT = 65535
PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


class Environment(StrEnum):
    """Where the service runs; production refuses what is only safe on one's own machine."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class JwtAlgorithm(StrEnum):
    """How access tokens are signed (RFC 7518, section 3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"
    HS256 = "HS256"


class TokenTransport(StrEnum):
    """How tokens reach a client: in the JSON body, in HttpOnly cookies, or in both."""

    BODY = "body"
    COOKIE = "cookie"
    BOTH = "both"


class RevocationMode(StrEnum):
    """How a revoked access token is noticed: by the feed in memory, or by reading the session each time."""

    FEED = "feed"
    STRICT = "strict"


class ServerSettings(BaseModel):
    """Where the service listens and who may call it."""

    environment: Environment = Field(
        Environment.DEVELOPMENT,
        description="`development` or `production`; production refuses unsafe values.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=LARGEST_PORT, description="Port to listen on.")
    workers: PositiveInt = Field(1, description="Worker processes.")
    public_url: PublicUrl = Field(
        "http://localhost:8080",
        description="Address at which clients reach the service; to the letter, the issuer of its tokens. In "
        "development it is at PORT by default.",
    )
    http_in_production: bool = Field(
        False, description="Allow a PUBLIC_URL of http:// in production: all on the way read passwords and tokens."
    )
    cors_origins: Origins = Field(
        ("http://localhost:8081",),
        description="Origins of browser apps that may call the API, comma-separated, such as https://app.example.com; "
        "empty is none, and so is the default in production.",
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Addresses or networks of the reverse proxies whose X-Forwarded-* are trusted."
    )
    spa_dir: Path | None = Field(
        None, description="Folder with a built Vue, Angular or React app, served at `/` beside the API."
    )
    spa_script_sources: CommaSeparated = Field(
        (), description="Other origins whose scripts that app loads, comma-separated, such as https://js.stripe.com."
    )
    shutdown_seconds: PositiveInt = Field(
        10, description="Longest time that a stop takes; requests in flight are answered within it."
    )
    drain_seconds: float = Field(
        1.0, ge=0, description="Of that, time in which requests are still taken while `/readyz` answers 503."
    )
    data_dir: Path = Field(
        Path(".gatepost"), description="Folder for the development secret and the default SQLite database."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("environment") == Environment.PRODUCTION:
            values.setdefault("cors_origins", ())
        elif PORT.fullmatch(port := str(values.get("port", ""))) and 0 < int(port) <= LARGEST_PORT:
            # Which one 0 will be, nobody knows yet.
            values.setdefault("public_url", f"http://localhost:{int(port)}")
        return values


class SecretSettings(BaseModel):
    """What must stay secret."""

    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 random characters; every other key derives from it. Needed in production.",
    )
    secret_key_previous: SecretStr | None = Field(
        None, description="The SECRET_KEY before this one, while it is being replaced."
    )


class DatabaseSettings(BaseModel):
    """Where the accounts are kept. Any DB_* chooses MySQL; nothing at all chooses SQLite in DATA_DIR."""

    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy's form, `mysql://user:password@host/name` or `sqlite:///file`; docs/mysql.md has its "
        "options.",
    )
    db_host: Annotated[str, AfterValidator(require_host)] = Field(
        "localhost", description="MySQL host, instead of DATABASE_URL."
    )
    db_port: int = Field(3306, ge=1, le=65535, description="MySQL port.")
    db_user: str = Field("root", description="MySQL user.")
    db_password: SecretStr = Field(SecretStr(""), description="MySQL password.")
    db_name: str = Field("pocket_db", description="MySQL database.")
    db_tls: DatabaseTls = Field(
        DatabaseTls.OFF,
        description="TLS to MySQL: `off`, `required` (encrypted, with whoever answers), `verify` (by a server whose "
        "certificate is good and of its name) or `verify_ca` (good, of any name).",
    )
    db_tls_ca: Path | None = Field(
        None, description="File with the CA of that certificate (PEM); without it, the CAs of the system."
    )
    db_tls_cert: Path | None = Field(None, description="File with the certificate that we show to MySQL (PEM).")
    db_tls_key: Path | None = Field(None, description="File with its key, unless that is in the same file.")
    db_pool_size: PositiveInt = Field(10, description="Connections a worker keeps open.")
    db_max_overflow: int = Field(10, ge=0, description="Connections a worker may open beyond those.")
    db_pool_recycle_seconds: PositiveInt = Field(1800, description="Age at which a connection is replaced.")
    db_timeout_seconds: PositiveSeconds = Field(
        2.5, description="Longest time one transaction, or the wait for a connection, may take."
    )
    sqlite_in_production: bool = Field(False, description="Allow SQLite in production: one machine, few writes.")


class TokenSettings(BaseModel):
    """How long people stay signed in, and how their tokens are made."""

    jwt_access_expiration_minutes: PositiveInt = Field(1440, description="Life of an access token.")
    jwt_refresh_expiration_days: PositiveInt = Field(
        30, description="A session ends after this long without a refresh."
    )
    session_max_days: PositiveInt = Field(90, description="A session ends this long after sign-in, used or not.")
    refresh_token_rotation: bool = Field(
        True,
        description="Each refresh gives a new refresh token; `false` for clients that keep their first, also if it was "
        "used already.",
    )
    refresh_reuse_grace_seconds: float = Field(
        10.0,
        ge=0,
        # Shorter than any access token: those of the grace time end with the one that the successor came with.
        lt=60,
        description="Time in which the previous refresh token is answered with its successor again.",
    )
    jwt_algorithm: JwtAlgorithm = Field(JwtAlgorithm.ES256, description="`ES256`, `RS256` or `HS256`.")
    jwt_secret: SecretStr | None = Field(
        None, description="The shared secret of HS256, at least 32 bytes; only with JWT_ALGORITHM=HS256."
    )
    jwt_audience: str = Field("gatepost", min_length=1, description="The `aud` of access tokens.")
    token_transport: TokenTransport = Field(
        TokenTransport.BOTH,
        description="`body`, `cookie` (HttpOnly) or `both`: how sign-in hands out tokens.",
    )
    revocation_mode: RevocationMode = Field(
        RevocationMode.FEED, description="`feed` (in memory) or `strict` (reads the session on each request)."
    )
    revocation_poll_seconds: PositiveSeconds = Field(
        1.0, description="How often a worker reads what other workers revoked."
    )
    revocation_max_staleness_seconds: PositiveSeconds = Field(
        30.0, description="Protected routes answer 503 when the feed could not be read for this long."
    )


class PasswordSettings(BaseModel):
    """What a password must be and how it is kept."""

    password_min_length: int | None = Field(
        None, ge=1, le=64, description="Shortest password; by default 6 in development and 8 in production."
    )
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="Cost of a password hash; one more doubles it.")
    weak_hashes_in_production: bool = Field(
        False, description="Allow BCRYPT_ROUNDS below 10 in production, as for load tests."
    )
    password_queue_size: PositiveInt = Field(
        128, description="Passwords that may wait to be hashed; beyond it sign-in answers 503."
    )
    password_queue_timeout_seconds: PositiveSeconds = Field(
        5.0, description="Longest wait for that; where it would take longer, sign-in answers 503 at once."
    )
