"""What sets up a provider: the file, the variables, and what is refused of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from gatepost.core.settings import Settings, SettingsError, load_settings
from gatepost.identity.providers.reading import is_provider_variable, read_providers
from gatepost.identity.providers.settings import ProviderSettings
from tests.support.providers.keys import SigningKey

ACME = '[providers.acme]\nissuer = "https://login.acme.example"\nclient_id = "a"\nclient_secret = "s3cret"\n'
SECRET = "s3cret"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a PROVIDERS_FILE."""

    def write(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "providers.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write


def settings(file: Path | None = None, *, production: bool = False, **variables: str) -> Settings:
    """Return settings with this file and these variables."""
    read = Settings(
        _env_file=None,
        secret_key=SecretStr("x" * 40),
        providers_file=file,
        environment="production" if production else "development",
    )
    return read.with_provider_variables({name: SecretStr(value) for name, value in variables.items()})


def complaints(file: Path | None = None, *, production: bool = False, **variables: str) -> list[str]:
    """Return what is said of settings that are refused; no secret is in it."""
    with pytest.raises(SettingsError) as refused:
        read_providers(settings(file, production=production, **variables))
    said = [str(complaint).replace(str(file), "FILE") for complaint in refused.value.complaints]
    assert SECRET not in "".join(said)
    return said


def test_nothing_set_up_is_no_provider() -> None:
    assert read_providers(settings()) == ()


def test_file_sets_up_providers_in_its_order(write: Callable[..., Path]) -> None:
    file = write(
        ACME
        + 'title = "Acme Ltd"\ntrusts_email = true\nscopes = "openid email"\nsecond_factor_amr = ["mfa", "otp"]\n'
        + f'[providers.google]\nclient_id = "g"\nclient_secret = "{SECRET}"\n'
    )

    acme, google = read_providers(settings(file))

    assert acme == ProviderSettings(
        name="acme",
        kind="oidc",
        title="Acme Ltd",
        client_id="a",
        client_secret=SecretStr(SECRET),
        issuer="https://login.acme.example",
        scopes="openid email",
        trusts_email=True,
        second_factor_amr=("mfa", "otp"),
    )
    assert (google.kind, google.title, google.address) == ("google", "Google", "https://accounts.google.com")
    assert SECRET not in repr(google)


def test_variables_set_up_providers() -> None:
    found = read_providers(
        settings(
            PROVIDER_MY_IDP_ISSUER="https://idp.example",
            PROVIDER_MY_IDP_CLIENT_ID="a",
            PROVIDER_MY_IDP_CLIENT_SECRET=SECRET,
            PROVIDER_MY_IDP_SECOND_FACTOR_AMR="mfa, otp",
            PROVIDER_MY_IDP_TRUSTS_EMAIL="true",
            PROVIDER_GITHUB_CLIENT_ID="b",
            PROVIDER_GITHUB_CLIENT_SECRET=SECRET,
        )
    )

    assert [(one.name, one.kind, one.title) for one in found] == [
        ("my-idp", "oidc", "My Idp"),
        ("github", "github", "GitHub"),
    ]
    assert (found[0].second_factor_amr, found[0].trusts_email) == (("mfa", "otp"), True)


def test_variable_overrides_a_key_of_the_file(write: Callable[..., Path]) -> None:
    file = write('[providers.acme]\nissuer = "https://login.acme.example"\nclient_id = "a"\n', mode=0o644)

    (acme,) = read_providers(settings(file, PROVIDER_ACME_CLIENT_ID="b", PROVIDER_ACME_CLIENT_SECRET=SECRET))

    assert (acme.client_id, acme.issuer) == ("b", "https://login.acme.example")


def test_variables_come_from_where_settings_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "provider_google_client_secret").write_text(f"{SECRET}\n")
    (secrets / "provider_google_title").write_text("from the folder")
    (tmp_path / ".env").write_text("PROVIDER_GOOGLE_CLIENT_ID=of-the-file\nPROVIDER_GOOGLE_TITLE=from the file\n")
    monkeypatch.setenv("PROVIDER_GOOGLE_CLIENT_ID", "of-the-environment")
    monkeypatch.setenv("PROVIDER_GOOGLE_SCOPES", "")

    (google,) = read_providers(load_settings(secrets_folder=secrets))

    assert (google.client_id, google.title, google.scopes) == ("of-the-environment", "from the file", None)
    assert google.client_secret == SecretStr(SECRET)


def test_secret_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provider_google_client_secret").write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError) as refused:
        load_settings(secrets_folder=tmp_path)

    assert str(refused.value) == (
        f"{tmp_path}: a file in it cannot be read. Make it UTF-8, and readable for the user of the service."
    )


APPLE = f'[providers.apple]\nclient_id = "a"\nteam_id = "T"\nkey_id = "K"\nprivate_key = """{SigningKey().pem}"""\n'


def test_key_of_apple_may_be_on_one_line() -> None:
    pem = SigningKey().pem
    (apple,) = read_providers(
        settings(
            PROVIDER_APPLE_CLIENT_ID="a",
            PROVIDER_APPLE_TEAM_ID="T",
            PROVIDER_APPLE_KEY_ID="K",
            PROVIDER_APPLE_PRIVATE_KEY=pem.replace("\n", "\\n"),
        )
    )

    assert apple.private_key == SecretStr(pem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('providers = "acme"', "PROVIDERS_FILE: FILE has something beside tables [providers.NAME]. Move or remove it."),
        ("[provider.acme]", "PROVIDERS_FILE: FILE has something beside tables [providers.NAME]. Move or remove it."),
        ("[providers.acme", "PROVIDERS_FILE: FILE is not TOML:"),
        ("[providers.Acme]", "PROVIDERS_FILE: a provider has a name of another form than `my-provider`."),
        (ACME + 'secret = "a"', "[providers.acme] secret in FILE: it is no key of a provider of the kind oidc."),
        (ACME + 'name = "a"', "[providers.acme] name in FILE: it is no key of a provider of the kind oidc."),
        (ACME + 'tenant = "common"', "[providers.acme] tenant in FILE: it is no key of a provider of the kind oidc."),
        (ACME + 'kind = "acme"', "[providers.acme] kind in FILE: it is none that we know. Use one of: oidc, google,"),
        (ACME + "kind = 5", "[providers.acme] kind in FILE: it is none that we know."),
        (ACME + 'title = ""', "[providers.acme] title in FILE: it must have at least 1 character."),
        (ACME + 'scopes = "openid\\temail"', "[providers.acme] scopes in FILE: it does not have the expected form."),
        (ACME + 'trusts_email = "maybe"', "[providers.acme] trusts_email in FILE: it must be true or false."),
        (ACME.replace("https", "http"), "[providers.acme] issuer in FILE: it must be https;"),
        (ACME.replace("example", "example/?a=b"), "[providers.acme] issuer in FILE: it has a query or a fragment."),
        (ACME.replace("login.", "user:s3cret@"), "[providers.acme] issuer in FILE: it has a user name or password."),
        (
            '[providers.google]\nclient_id = "a"',
            "PROVIDER_GOOGLE_CLIENT_SECRET: it is missing. Set it, or client_secret in [providers.google] of "
            "PROVIDERS_FILE.",
        ),
        ('[providers.acme]\nclient_id = "a"\nclient_secret = "s3cret"', "PROVIDER_ACME_ISSUER: it is missing."),
        (
            '[providers.microsoft]\nclient_id = "a"\nclient_secret = "s3cret"\ntenant = "acme.example"',
            "[providers.microsoft] tenant in FILE: it does not have the expected form.",
        ),
        (
            APPLE + 'client_secret = "s3cret"',
            "[providers.apple] client_secret in FILE: it is no key of a provider of the",
        ),
        (
            APPLE.replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
            "[providers.apple] private_key in FILE: it is not a private key in PEM, as in Apple's file",
        ),
        (
            APPLE.partition("private_key")[0] + f'private_key = """{SigningKey("ES384").pem}"""',
            "[providers.apple] private_key in FILE: it is not a key on the curve P-256.",
        ),
    ],
)
def test_file_that_cannot_work_is_refused_with_the_key_and_no_value(
    text: str, said: str, write: Callable[..., Path]
) -> None:
    [complaint] = complaints(write(text))

    assert complaint.startswith(said)


def test_every_problem_is_told_at_once(write: Callable[..., Path]) -> None:
    said = complaints(write('[providers.google]\n[providers.github]\nclient_idd = "a"\n'))

    assert [line.partition(":")[0] for line in said] == [
        "PROVIDER_GOOGLE_CLIENT_ID",
        "PROVIDER_GOOGLE_CLIENT_SECRET",
        "PROVIDER_GITHUB_CLIENT_ID",
        "PROVIDER_GITHUB_CLIENT_SECRET",
        "[providers.github] client_idd in FILE",
    ]


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_file_with_secrets_that_others_can_read_or_write_is_refused(mode: int, write: Callable[..., Path]) -> None:
    assert complaints(write(ACME, mode)) == ["PROVIDERS_FILE: others can read or change FILE. Run: chmod 640 FILE."]


def test_file_without_secrets_may_be_read_and_not_changed_by_others(write: Callable[..., Path]) -> None:
    text = ACME.partition("client_secret")[0]

    assert read_providers(settings(write(text, 0o644), PROVIDER_ACME_CLIENT_SECRET=SECRET))
    [complaint] = complaints(write(text, 0o646), PROVIDER_ACME_CLIENT_SECRET=SECRET)
    assert complaint == "PROVIDERS_FILE: others can read or change FILE. Run: chmod 640 FILE."


def test_missing_file_is_told(tmp_path: Path) -> None:
    assert complaints(tmp_path / "none.toml") == [
        "PROVIDERS_FILE: FILE cannot be read (No such file or directory). Correct the path."
    ]


def test_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b"# \xe4")

    assert complaints(file) == ["PROVIDERS_FILE: FILE is not TOML: it is not UTF-8. See docs/providers.md."]


def test_issuer_on_this_machine_may_be_http_in_development_alone(write: Callable[..., Path]) -> None:
    file = write(ACME.replace("https://login.acme.example", "http://localhost:18510"))

    assert read_providers(settings(file))[0].issuer == "http://localhost:18510"
    [complaint] = complaints(file, production=True)
    assert complaint.startswith("[providers.acme] issuer in FILE: it is not https.")


def test_misspelt_variable_of_a_known_kind_is_refused() -> None:
    [complaint] = complaints(PROVIDER_GOOGLE_CLIENTID=SECRET)

    assert complaint.startswith("PROVIDER_GOOGLE_CLIENTID: it is no key of a provider.")


def test_variables_of_other_programs_are_left_alone() -> None:
    names = ("PROVIDER_URL", "PROVIDER_AWS_REGION", "PROVIDERS_FILE", "PROVIDER_CLIENT_ID")

    assert read_providers(settings(PROVIDER_AWS_REGION="a")) == ()
    assert not any(map(is_provider_variable, names))
    assert is_provider_variable("provider_acme_client_id")
