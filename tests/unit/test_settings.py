"""The settings: where they come from, what follows from them, and what is refused."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from gatepost.core.settings import Settings, SettingsError, load_settings
from gatepost.core.settings.checks import EXAMPLE_DB_PASSWORD, weakness
from gatepost.core.settings.text import GROUPS, example_file, in_force, markdown_page

STRONG = "8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa"
SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": STRONG,
    "DATABASE_URL": "mysql://app:x@db/gatepost",
    "PUBLIC_URL": "https://auth.example",
    "MAIL_URL": "smtp://app:x@mail.example",
}
HIDDEN = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets the environment of a test."""
    return monkeypatch


def load(env: pytest.MonkeyPatch, **values: str) -> Settings:
    """Load the settings of this environment."""
    for name, value in values.items():
        env.setenv(name, value)
    return load_settings()


def complaints(env: pytest.MonkeyPatch, **values: str) -> dict[str, str]:
    """Return the settings that are refused in this environment, with what is said of each."""
    with pytest.raises(SettingsError) as refused:
        load(env, **values)
    said = {complaint.setting: str(complaint) for complaint in refused.value.complaints}
    assert len(said) == len(refused.value.complaints)
    return said


def test_nothing_set_is_enough_for_development(env: pytest.MonkeyPatch) -> None:
    settings = load(env)

    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert settings.sqlalchemy_url.render_as_string() == "sqlite+aiosqlite:///.gatepost/gatepost.db"
    assert settings.cors_origins == ("http://localhost:8081",)
    assert settings.access_token_life.total_seconds() == 24 * 3600
    assert (settings.session_idle_life.days, settings.session_max_life.days) == (30, 90)
    assert settings.shortest_password == 6
    assert not settings.in_production


def test_development_secret_is_the_same_after_a_restart(env: pytest.MonkeyPatch) -> None:
    assert load(env).secret_key == load(env).secret_key


def test_codes_by_mail_are_on_where_mail_is_set_up_and_addresses_are_verified(env: pytest.MonkeyPatch) -> None:
    assert load(env).signs_in_by_email
    assert not load(env, EMAIL_VERIFICATION="off").signs_in_by_email
    assert load(env, **SAFE, EMAIL_VERIFICATION="optional").signs_in_by_email
    printed = {"MAIL_URL": "console:", "CONSOLE_MAIL_IN_PRODUCTION": "true"}
    assert not load(env, **printed).signs_in_by_email
    assert load(env, EMAIL_SIGN_IN="on").signs_in_by_email
    assert not load(env, EMAIL_SIGN_IN="off").signs_in_by_email


def test_codes_by_mail_need_verified_addresses(env: pytest.MonkeyPatch) -> None:
    said = complaints(env, EMAIL_SIGN_IN="on", EMAIL_VERIFICATION="off")

    assert said == {
        "EMAIL_SIGN_IN": "EMAIL_SIGN_IN: it needs verified addresses. Set EMAIL_VERIFICATION=optional, or "
        "EMAIL_SIGN_IN=off."
    }


def test_production_is_refused_with_every_complaint_at_once_and_its_remedy(env: pytest.MonkeyPatch) -> None:
    said = complaints(
        env,
        ENVIRONMENT="production",
        CORS_ORIGINS="*",
        TRUSTED_PROXIES="*",
        SESSION_MAX_DAYS="10",
        JWT_ALGORITHM="HS256",
    )

    assert said == {
        "SECRET_KEY": "SECRET_KEY: it is required in production. To create one, use the output of: openssl rand "
        "-base64 48.",
        "DATABASE_URL": "DATABASE_URL: it is SQLite, which only suits a single machine. "
        "Set DATABASE_URL to a MySQL database, or set SQLITE_IN_PRODUCTION=true.",
        "PUBLIC_URL": "PUBLIC_URL: it is not https, so passwords and tokens are sent unencrypted. "
        "Set it to the https:// URL at which clients reach the service, or set HTTP_IN_PRODUCTION=true.",
        "MAIL_URL": "MAIL_URL: mails, with links that give access to accounts, would be printed to the log. "
        "Use smtp://user:password@host:587 or smtps://…:465, or set CONSOLE_MAIL_IN_PRODUCTION=true.",
        "CORS_ORIGINS": "CORS_ORIGINS: `*` opens the API to every web site. "
        "List the origins of your apps, comma-separated.",
        "TRUSTED_PROXIES": "TRUSTED_PROXIES: `*` lets every caller forge its address. "
        "List the addresses or networks of your proxies.",
        "SESSION_MAX_DAYS": "SESSION_MAX_DAYS: it is below JWT_REFRESH_EXPIRATION_DAYS. Increase it, or decrease "
        "JWT_REFRESH_EXPIRATION_DAYS.",
        "JWT_SECRET": "JWT_SECRET: HS256 requires it. Set it, or use JWT_ALGORITHM=ES256.",
    }
    assert not Path(".gatepost").exists()


def test_issuer_and_audience_that_access_tokens_have_no_room_for_are_refused(env: pytest.MonkeyPatch) -> None:
    url = "https://auth.example/" + "x" * 227

    assert complaints(env, PUBLIC_URL=url, JWT_AUDIENCE="notes-and-more").keys() == {"PUBLIC_URL"}
    assert load(env, PUBLIC_URL=url, JWT_AUDIENCE="gatepost").public_url == url


def test_proxies_and_redis_that_cannot_be_meant_are_refused(env: pytest.MonkeyPatch) -> None:
    for proxy in ("10.0.0.1/8", "localhost", "10.0.0.256", "0.0.0.0/0", "::/0"):
        assert complaints(env, TRUSTED_PROXIES=f"10.0.0.1,{proxy}").keys() == {"TRUSTED_PROXIES"}
    assert complaints(env, TRUSTED_PROXIES="127.0.0.1", REDIS_URL="http://x:secret@localhost").keys() == {"REDIS_URL"}
    for wrong in ("fast", "0/hour", "5/fortnight", "1/hour; 2/day"):
        assert complaints(env, REDIS_URL="redis://localhost", SIGNUP_RATE=wrong).keys() == {"SIGNUP_RATE"}
    settings = load(env, SIGNUP_RATE="5 per 10 minutes", REDIS_URL="rediss://:hunter2@cache:6379/1")
    assert "hunter2" not in repr(settings)


def test_safe_production_starts(env: pytest.MonkeyPatch) -> None:
    settings = load(
        env,
        **SAFE,
        CORS_ORIGINS="https://app.example, https://admin.example,",
    )

    assert settings.in_production
    assert settings.shortest_password == 8
    assert settings.cors_origins == ("https://app.example", "https://admin.example")


def test_secrets_are_read_from_files_where_the_environment_does_not_have_them(
    env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "secret_key").write_text(f"{STRONG}\n")
    (folder / "db_password").write_text("of the file\n")
    (folder / "something_else").write_text("of another program")
    env.setenv("ENVIRONMENT", "production")
    env.setenv("PUBLIC_URL", "https://auth.example")
    env.setenv("MAIL_URL", "smtps://mail.example")
    env.setenv("DB_HOST", "mysql")

    from_files = load_settings(secrets_folder=folder)
    env.setenv("DB_PASSWORD", "of the environment")
    from_both = load_settings(secrets_folder=folder)

    assert from_files.secret_key == SecretStr(STRONG)
    assert from_files.sqlalchemy_url.password == "of the file"
    assert from_both.sqlalchemy_url.password == "of the environment"
    (folder / "secret_key").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="a file in it cannot be read") as refused:
        load_settings(secrets_folder=folder)
    assert str(folder) in str(refused.value)


def test_password_of_the_example_database_is_refused_in_production(env: pytest.MonkeyPatch) -> None:
    url = "mysql://gatepost:gatepost-local@db/pocket_db"

    assert load(env, DATABASE_URL=url).sqlalchemy_url.password == EXAMPLE_DB_PASSWORD
    assert complaints(env, **(SAFE | {"DATABASE_URL": url})).keys() == {"DB_PASSWORD"}


def test_origins_are_written_as_browsers_send_them_each_once(env: pytest.MonkeyPatch) -> None:
    settings = load(
        env,
        CORS_ORIGINS="https://App.Example/, https://app.example:443,capacitor://localhost",
        PUBLIC_URL="https://Auth.example:443/",
    )

    assert settings.cors_origins == ("https://app.example", "capacitor://localhost")
    assert settings.trusted_origins.named == {"https://app.example", "capacitor://localhost", "https://auth.example"}


def test_no_origin_but_those_that_are_named_is_let_in_by_production(env: pytest.MonkeyPatch) -> None:
    assert load(env, **SAFE).cors_origins == ()
    assert load(env, **SAFE, CORS_ORIGINS="").cors_origins == ()


@pytest.mark.parametrize("empty", ["", " ", ","])
def test_empty_list_of_origins_is_none_in_development_too(env: pytest.MonkeyPatch, empty: str) -> None:
    assert load(env, CORS_ORIGINS=empty).cors_origins == ()

    Path(".env").write_text("CORS_ORIGINS=https://app.example\n", encoding="utf-8")
    assert load(env, CORS_ORIGINS=empty).cors_origins == ()

    Path(".env").write_text(f"CORS_ORIGINS={empty}\n", encoding="utf-8")
    env.delenv("CORS_ORIGINS")
    assert load(env).cors_origins == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://app.example/path", "`https://app.example/path` cannot be used: it has a path"),
        ("https://ok.example,app.example", "`app.example` cannot be used: it has no scheme such as https://"),
        ("https://*.example", "`https://*.example` cannot be used: it has a wildcard"),
        ("null", "`null` cannot be used: null is what every sandboxed frame and local file sends"),
        ("ftp://app.example", "`ftp://app.example` cannot be used: its scheme is not http or https"),
        ("*,https://app.example", "`*` cannot be combined with other origins"),
        ("https://a:hidden@app.example", "an origin cannot be used: it has a user name or password"),
        (
            "https://a\nb.example",
            "`https://a\\nb.example` cannot be used: it has a space, a control character or a backslash",
        ),
    ],
)
def test_origin_that_matches_no_browser_is_refused_in_one_line(
    env: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    assert complaints(env, CORS_ORIGINS=text) == {
        "CORS_ORIGINS": f"CORS_ORIGINS: {problem}. See CORS_ORIGINS in .env.example."
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://user:hidden@auth.example", "it has a user name or password"),
        ("https://auth.example/#a", "it has a query or a fragment"),
        ("https://auth.example?", "it has a query or a fragment"),
        ("https://auth.example//", "it has an empty part between slashes"),
        ("https://auth.example\\a", "it has a space, a control character or a backslash"),
        ("https://[::1].example", "its IPv6 address is not one"),
        ("capacitor://localhost", "its scheme is not http or https"),
        ("HTTPS://auth.example", "its scheme is not in lower case"),
    ],
)
def test_public_address_with_two_readings_is_refused(env: pytest.MonkeyPatch, text: str, problem: str) -> None:
    assert complaints(env, PUBLIC_URL=text) == {"PUBLIC_URL": f"PUBLIC_URL: {problem}. See PUBLIC_URL in .env.example."}


def test_sqlite_in_production_is_allowed_on_request(env: pytest.MonkeyPatch) -> None:
    assert load(env, **{**SAFE, "DATABASE_URL": "sqlite:///x.db"}, SQLITE_IN_PRODUCTION="true").uses_sqlite


@pytest.mark.parametrize(
    ("setting", "value", "allowed_by"),
    [
        ("PUBLIC_URL", "http://auth.example", "HTTP_IN_PRODUCTION"),
        ("PUBLIC_URL", "http://localhost:8080", "HTTP_IN_PRODUCTION"),
        ("MAIL_URL", "console:", "CONSOLE_MAIL_IN_PRODUCTION"),
        ("MAIL_URL", "CONSOLE:", "CONSOLE_MAIL_IN_PRODUCTION"),
        ("MAIL_URL", "smtp://mail.example?starttls=no", "PLAIN_SMTP_IN_PRODUCTION"),
        ("BCRYPT_ROUNDS", "9", "WEAK_HASHES_IN_PRODUCTION"),
    ],
)
def test_what_protects_too_little_in_production_is_allowed_by_its_own_name_alone(
    env: pytest.MonkeyPatch, setting: str, value: str, allowed_by: str
) -> None:
    others = {
        "HTTP_IN_PRODUCTION", "CONSOLE_MAIL_IN_PRODUCTION", "PLAIN_SMTP_IN_PRODUCTION", "WEAK_HASHES_IN_PRODUCTION",
    } - {allowed_by}  # fmt: skip
    values = {**SAFE, setting: value}

    said = complaints(env, **values, **dict.fromkeys(others, "true"))

    assert said.keys() == {setting}
    assert f"{allowed_by}=true" in said[setting]
    assert load(env, **values, **{allowed_by: "true"}).in_production
    assert not load(env, **{**values, "ENVIRONMENT": "development"}).in_production


def test_unset_address_and_mail_server_are_refused_in_production(env: pytest.MonkeyPatch) -> None:
    values = {name: value for name, value in SAFE.items() if name not in ("PUBLIC_URL", "MAIL_URL")}

    assert complaints(env, **values).keys() == {"PUBLIC_URL", "MAIL_URL"}


def test_mail_on_this_machine_may_be_plain_in_production(env: pytest.MonkeyPatch) -> None:
    assert load(env, **{**SAFE, "MAIL_URL": "smtp://localhost:1025"}).in_production


@pytest.mark.parametrize(("mode", "is_refused"), [(0o700, False), (0o750, True), (0o705, True), (0o701, True)])
def test_folder_of_mails_that_others_can_look_into_is_refused_in_production(
    env: pytest.MonkeyPatch, tmp_path: Path, mode: int, is_refused: bool
) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    folder.chmod(mode)
    values = {**SAFE, "MAIL_URL": f"file:{folder}"}

    if is_refused:
        assert f"chmod 700 {folder}" in complaints(env, **values)["MAIL_URL"]
    else:
        assert load(env, **values).in_production


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("short", "fewer than 32 characters"),
        ("a" * 64, "fewer than 10 different characters"),
        ("abcabcabc" * 8, "fewer than 10 different characters"),
        ("please-change-me-before-production-42", "placeholder"),
        ("my_secret_key_0123456789_abcdefghijk", "placeholder"),
        ("0123456789-PASSWORD-0123456789-abcdef", "placeholder"),
    ],
)
def test_weak_secret_is_refused_in_production_without_being_shown(
    env: pytest.MonkeyPatch, secret: str, problem: str
) -> None:
    said = complaints(env, **{**SAFE, "SECRET_KEY": secret})

    assert said.keys() == {"SECRET_KEY"}
    assert problem in said["SECRET_KEY"]
    assert secret not in said["SECRET_KEY"]
    assert weakness(STRONG) is None


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"JWT_ALGORITHM": "HS256", "JWT_SECRET": "short"}, "fewer than 32 characters"),
        ({"JWT_SECRET": STRONG}, "only HS256 uses it"),
    ],
)
def test_shared_secret_has_to_fit_its_algorithm(env: pytest.MonkeyPatch, values: dict[str, str], problem: str) -> None:
    assert problem in complaints(env, **values)["JWT_SECRET"]


def test_shared_secret_for_its_algorithm_is_fine(env: pytest.MonkeyPatch) -> None:
    assert load(env, JWT_ALGORITHM="HS256", JWT_SECRET=STRONG).jwt_algorithm == "HS256"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("ENVIRONMENT", "staging"),
        ("JWT_ALGORITHM", "none"),
        ("JWT_ALGORITHM", "HS512"),
        ("JWT_ACCESS_EXPIRATION_MINUTES", "0"),
        ("JWT_ACCESS_EXPIRATION_MINUTES", "-5"),
        ("REFRESH_REUSE_GRACE_SECONDS", "-1"),
        ("BCRYPT_ROUNDS", "3"),
        ("PUBLIC_URL", "localhost:8080"),
        ("PUBLIC_URL", "https://x.example/?a=b"),
        ("TOKEN_TRANSPORT", "pigeon"),
        ("DB_PORT", "0"),
        ("DEFAULT_LANGUAGE", "de-AT-1996-x-longer"),
        ("DEFAULT_LANGUAGE", "../en"),
        ("REFRESH_TOKEN_ROTATION", "maybe"),
    ],
)
def test_malformed_value_is_refused_by_name(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    said = complaints(env, **{name: value})

    assert said.keys() == {name}
    assert f"See {name} in .env.example" in said[name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "it must be a whole number"),
        ("BRAND_COLOR", "red", "it does not have the expected form"),
        ("SIGNIN_RATE", "often", "it does not have the expected form"),
        ("REFRESH_TOKEN_ROTATION", "maybe", "it must be true or false"),
        ("WORKERS", "0", "it must be greater than or equal to 1"),
        ("ENVIRONMENT", "staging", "it must be 'development' or 'production'"),
    ],
)
def test_malformed_value_is_told_in_words_of_an_operator(
    env: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    assert complaints(env, **{name: value}) == {name: f"{name}: {said}. See {name} in .env.example."}


def test_malformed_values_are_refused_together(env: pytest.MonkeyPatch) -> None:
    assert complaints(env, PORT="x", WORKERS="x", HOST="0.0.0.0").keys() == {"PORT", "WORKERS"}


def test_default_is_not_blamed_for_the_setting_that_it_depends_on(env: pytest.MonkeyPatch) -> None:
    assert complaints(env, ENVIRONMENT="staging").keys() == {"ENVIRONMENT"}


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ("mysql://root@localhost/pocket_db", "mysql+aiomysql://root@localhost/pocket_db"),
        ("mariadb://root@localhost/pocket_db", "mariadb+aiomysql://root@localhost/pocket_db"),
        ("mysql+aiomysql://root@localhost:3307/x", "mysql+aiomysql://root@localhost:3307/x"),
        ("sqlite:///data/accounts.db", "sqlite+aiosqlite:///data/accounts.db"),
        ("sqlite:////var/lib/accounts.db", "sqlite+aiosqlite:////var/lib/accounts.db"),
        ("mysql://a:p%40s%25s%2Fw@h/x", "mysql+aiomysql://a:p%40s%25s%2Fw@h/x"),
    ],
)
def test_database_address_is_completed(env: pytest.MonkeyPatch, given: str, completed: str) -> None:
    settings = load(env, DATABASE_URL=given)

    assert settings.sqlalchemy_url.render_as_string(hide_password=False) == completed
    assert settings.uses_sqlite == given.startswith("sqlite")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (f"postgresql://root:{HIDDEN}@localhost/x", "postgresql is not supported; use mysql, mariadb or sqlite"),
        (f"mysql+pymysql://root:{HIDDEN}@localhost/x", "the driver must be aiomysql, or be left out"),
        (f"mysql://root:{HIDDEN}@localhost", "it names no database"),
        (f"mysql://root:{HIDDEN}@localhost:port/x", "it is not a database URL"),
        (f"root:{HIDDEN}", "it is not a database URL"),
        (f"nonsense://{HIDDEN}", "nonsense is not supported"),
    ],
)
def test_address_that_cannot_be_used_is_refused_without_being_shown(
    env: pytest.MonkeyPatch, given: str, problem: str
) -> None:
    said = complaints(env, DATABASE_URL=given)

    assert problem in said["DATABASE_URL"]
    assert HIDDEN not in said["DATABASE_URL"]


@pytest.mark.parametrize(
    ("parts", "address"),
    [
        ({"DB_HOST": "db"}, "mysql+aiomysql://root@db:3306/pocket_db"),
        ({"DB_NAME": "accounts"}, "mysql+aiomysql://root@localhost:3306/accounts"),
        ({"DB_USER": "app", "DB_PORT": "3307"}, "mysql+aiomysql://app@localhost:3307/pocket_db"),
        ({"DB_PASSWORD": "a@b/c%d:e"}, "mysql+aiomysql://root:a%40b%2Fc%25d%3Ae@localhost:3306/pocket_db"),
    ],
)
def test_any_part_of_the_address_chooses_mysql(env: pytest.MonkeyPatch, parts: dict[str, str], address: str) -> None:
    assert load(env, **parts).sqlalchemy_url.render_as_string(hide_password=False) == address


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({"DB_HOST": "db"}, ""),
        ({"DB_HOST": "db", "DB_TLS": "off"}, ""),
        ({"DB_HOST": "db", "DB_TLS": "required"}, "?ssl_mode=required"),
        ({"DB_HOST": "db", "DB_TLS": "verify"}, "?ssl_mode=verify"),
        ({"DATABASE_URL": "mysql://root@db:3306/pocket_db", "DB_TLS": "verify"}, "?ssl_mode=verify"),
        ({"DATABASE_URL": "mysql://root@db:3306/pocket_db?ssl=true", "DB_TLS": "verify"}, "?ssl_mode=verify"),
        ({"DATABASE_URL": "mysql://root@db:3306/pocket_db?sslaccept=strict"}, "?ssl_mode=verify"),
    ],
)
def test_tls_is_chosen_by_a_setting_or_the_address(
    env: pytest.MonkeyPatch, values: dict[str, str], options: str
) -> None:
    address = load(env, **values).sqlalchemy_url.render_as_string(hide_password=False)

    assert address == f"mysql+aiomysql://root@db:3306/pocket_db{options}"


@pytest.mark.parametrize(
    ("values", "setting", "problem"),
    [
        ({"DB_TLS": "preferred", "DB_HOST": "db"}, "DB_TLS", "it must be"),
        ({"DB_TLS": "verify"}, "DB_TLS", "the database is a file"),
        ({"DB_TLS": "verify", "DATABASE_URL": "sqlite:///x.db"}, "DB_TLS", "the database is a file"),
        ({"DB_TLS_CA": "/nowhere.pem", "DB_HOST": "db"}, "DB_TLS", "TLS to the database is off"),
        ({"DB_TLS": "verify", "DB_TLS_CA": "/nowhere.pem", "DB_HOST": "db"}, "DB_TLS", "No such file or directory"),
        ({"DB_TLS": "verify_ca", "DB_HOST": "db"}, "DB_TLS", "verify_ca needs a CA"),
        ({"DB_TLS": "off", "DATABASE_URL": "mysql://root@db/x?ssl=true"}, "DB_TLS", "TLS to the database is off"),
        ({"DATABASE_URL": "mysql://root@db/x?ssl_ca=/nowhere.pem"}, "DATABASE_URL", "No such file or directory"),
        ({"DB_TLS": "verify", "DATABASE_URL": f"mysql://root:a@{HIDDEN}@db/x"}, "DATABASE_URL", "more than one @"),
        ({"DB_HOST": f"root:{HIDDEN}@db"}, "DB_HOST", "not a host name or address alone"),
        ({"DB_HOST": "db:3306"}, "DB_HOST", "not a host name or address alone"),
        ({"DB_HOST": "mysql://db"}, "DB_HOST", "not a host name or address alone"),
        ({"DB_HOST": "db", "DB_PORT": "33o6"}, "DB_PORT", "whole number"),
    ],
)
def test_address_of_a_database_that_does_not_fit_together_is_refused(
    env: pytest.MonkeyPatch, values: dict[str, str], setting: str, problem: str
) -> None:
    said = complaints(env, **values)

    assert said.keys() == {setting}
    assert problem in said[setting]
    assert HIDDEN not in said[setting]
    assert "\n" not in said[setting]


def test_whole_address_wins_over_its_parts(env: pytest.MonkeyPatch) -> None:
    assert load(env, DATABASE_URL="sqlite:///x.db", DB_HOST="db").uses_sqlite


def test_file_is_read_and_the_environment_wins(env: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=9000\nWORKERS=3\n# a comment\nDB_PASSWORD='p%40 ss'\nUNKNOWN=1\n", encoding="utf-8")

    settings = load(env, PORT="9001")

    assert (settings.port, settings.workers) == (9001, 3)
    assert settings.sqlalchemy_url.password == "p%40 ss"


def test_empty_value_is_the_default(env: pytest.MonkeyPatch) -> None:
    assert load(env, PORT="", SECRET_KEY="", DATABASE_URL="").port == 8080


def test_secret_file_that_others_can_read_is_refused(env: pytest.MonkeyPatch) -> None:
    load(env)
    Path(".gatepost/secret_key").chmod(0o640)

    said = complaints(env)

    assert said == {
        "SECRET_KEY": "SECRET_KEY: no secret to start with. .gatepost/secret_key is readable by others. "
        "Run: chmod 600 .gatepost/secret_key."
    }


def test_settings_without_a_secret_derive_no_key() -> None:
    with pytest.raises(AssertionError, match="load_settings"):
        _ = Settings(_env_file=None).keys


def test_secrets_are_hidden_wherever_settings_are_shown(env: pytest.MonkeyPatch) -> None:
    settings = load(
        env, SECRET_KEY=STRONG, SECRET_KEY_PREVIOUS=STRONG[::-1], DATABASE_URL=f"mysql://root:{HIDDEN}@db/x",
        DB_PASSWORD=HIDDEN,
    )  # fmt: skip
    shown = dict(in_force(settings))

    assert shown["SECRET_KEY"] == shown["DATABASE_URL"] == shown["DB_PASSWORD"] == "(hidden)"
    assert shown["JWT_SECRET"] == ""
    assert (shown["PORT"], shown["REFRESH_TOKEN_ROTATION"], shown["ENVIRONMENT"]) == ("8080", "true", "development")
    for secret in (STRONG, STRONG[::-1], HIDDEN):
        assert secret not in repr(settings)
        assert secret not in "".join(shown.values())


def test_example_file_sets_every_setting_to_its_default(env: pytest.MonkeyPatch) -> None:
    names = [name.upper() for group in GROUPS for name in group.model_fields]
    assert {name.lower() for name in names} == set(Settings.model_fields)
    lines = [line for line in example_file().splitlines() if line.startswith("#") and not line.startswith("# ")]
    assert [line.removeprefix("#").partition("=")[0] for line in lines] == names

    Path(".env").write_text("\n".join(line.removeprefix("#") for line in lines), encoding="utf-8")
    from_the_file = load_settings()

    defaults = Settings()
    # Development makes a secret where the file has none.
    for name in Settings.model_fields.keys() - {"secret_key"}:
        assert getattr(from_the_file, name) == getattr(defaults, name), name


def test_page_has_a_row_for_every_setting() -> None:
    rows = [line for line in markdown_page().splitlines() if line.startswith("| `")]

    assert len(rows) == len(Settings.model_fields)
    assert "| `PORT` | `8080` | Port to listen on. |" in rows
    assert any(row.startswith("| `SECRET_KEY` | – |") for row in rows)


def test_app_that_is_not_built_is_told_before_the_start(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = complaints(env, SPA_DIR="dist")
    (tmp_path / "dist").mkdir()
    empty = complaints(env, SPA_DIR="dist")
    (tmp_path / "dist/index.html").touch()

    assert missing == {
        "SPA_DIR": f"SPA_DIR: the folder {tmp_path}/dist does not exist. Build the app, or remove the setting."
    }
    assert empty == {
        "SPA_DIR": f"SPA_DIR: {tmp_path}/dist has no index.html. "
        "Use the output folder of the build, such as dist, or dist/NAME/browser for Angular."
    }
    assert load(env, SPA_DIR="dist", SPA_SCRIPT_SOURCES="https://js.stripe.com").spa_dir == Path("dist")
    assert complaints(env, SPA_SCRIPT_SOURCES="https://a.example; img-src 'none'").keys() == {"SPA_SCRIPT_SOURCES"}


def test_port_moves_the_public_url_in_development_alone(env: pytest.MonkeyPatch) -> None:
    assert load(env).public_url == "http://localhost:8080"
    assert load(env, PORT="9000").public_url == "http://localhost:9000"
    assert load(env, PORT="0").public_url == "http://localhost:8080"
    assert load(env, PORT="9000", PUBLIC_URL="http://app.test/").public_url == "http://app.test/"
    safe = {name: value for name, value in SAFE.items() if name != "PUBLIC_URL"}
    assert "PUBLIC_URL" in complaints(env, **safe, PORT="9000")


@pytest.mark.parametrize("port", ["x", "-1", "65536", "1e3", "٣", ""])
def test_port_that_is_none_is_named_and_not_the_public_url(env: pytest.MonkeyPatch, port: str) -> None:
    if port == "":
        assert load(env, PORT=port).port == 8080
    else:
        assert complaints(env, PORT=port).keys() == {"PORT"}
