"""deploy/: several replicas, behind nginx and on Kubernetes, fit the service and each other."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpx
import pytest
import yaml
from sqlalchemy import URL

from gatepost.app import create_app
from gatepost.cli.commands import COMMANDS
from gatepost.core.db.database import create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.db.tls import DatabaseTls
from gatepost.core.settings import Settings, load_settings
from tests.sdk.conftest import free_port, process
from tests.support.api import PASSWORD, bearer
from tests.support.missing import program
from tests.support.mysql import run_sql
from tests.support.server import GatepostServer, gatepost_server, server_env

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = (DEPLOY / "compose/nginx.conf").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose/compose.yml").read_text(encoding="utf-8"))
MANIFESTS: dict[str, Any] = {
    file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in (DEPLOY / "kubernetes").glob("*.yaml")
}
PODS = [MANIFESTS[name]["spec"]["template"] for name in ("deployment.yaml", "migrate.job.yaml")]
SETTINGS = {name.upper() for name in Settings.model_fields}
SECRET = "replicas-only-0123456789-abcdefghijklmnopqrstuvw"
REQUESTS = 20


def test_only_settings_that_exist_are_set() -> None:
    named = {*COMPOSE["x-gatepost"]["environment"], *MANIFESTS["configmap.yaml"]["data"]}
    named |= set(MANIFESTS["secret.example.yaml"]["stringData"])

    assert sorted(named - SETTINGS) == []
    assert not any(MANIFESTS["secret.example.yaml"]["stringData"][name] for name in ("SECRET_KEY", "DB_PASSWORD"))


def test_compose_asks_for_what_production_needs_and_starts_with_that(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"PUBLIC_URL": "https://auth.example.com", "MAIL_URL": "smtp://user:x@mail.example.com:587"}
    secrets = {"SECRET_KEY": "8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa", "DB_PASSWORD": "x"}
    values = {**COMPOSE["x-gatepost"]["environment"], **secrets}
    for name in asked:
        assert re.fullmatch(rf"\$\{{{name}:\?.*such as .+\}}", values[name])
    for name, value in {**values, **asked}.items():
        default = re.fullmatch(r"\$\{\w+:-(.*)\}", value)
        monkeypatch.setenv(name, asked["PUBLIC_URL"] if "{PUBLIC_URL}" in value else default[1] if default else value)

    assert load_settings(env_file=None).in_production


def test_kubernetes_starts_with_the_settings_that_it_has_and_tls_to_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {"SECRET_KEY": "8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa", "DB_PASSWORD": "x"}
    values = {**MANIFESTS["configmap.yaml"]["data"], **MANIFESTS["secret.example.yaml"]["stringData"], **secrets}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DB_TLS_CA", shutil.copy(certifi.where(), str(tmp_path)))

    settings = load_settings(env_file=None)

    assert settings.in_production
    assert settings.db_tls is DatabaseTls.VERIFY


def test_only_nginx_is_believed_about_addresses() -> None:
    nginx = COMPOSE["services"]["nginx"]

    assert COMPOSE["x-gatepost"]["environment"]["TRUSTED_PROXIES"] == nginx["networks"]["inside"]["ipv4_address"]
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["nginx"]


def test_commands_exist_and_the_migration_comes_first() -> None:
    used = [pod["spec"]["containers"][0]["args"] for pod in PODS] + [COMPOSE["services"]["migrate"]["command"]]

    assert {program for program, _ in used} == {"gatepost"}
    assert {command for _, command in used} == {"serve", "migrate"} <= COMMANDS.keys()
    waits = COMPOSE["services"]["gatepost"]["depends_on"]["migrate"]["condition"]
    assert waits == "service_completed_successfully"


def test_pods_have_no_rights_and_write_nothing() -> None:
    for pod in PODS:
        spec = pod["spec"]
        container = spec["containers"][0]
        rights = container["securityContext"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["enableServiceLinks"] is False
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert {"cpu", "memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
        assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]
    dockerfile = (DEPLOY.parent / "Dockerfile").read_text(encoding="utf-8")
    assert f'--uid", "{PODS[0]["spec"]["securityContext"]["runAsUser"]}"' in dockerfile


def test_pods_speak_to_few_and_few_speak_to_them() -> None:
    policy = MANIFESTS["network-policy.yaml"]["spec"]
    [chosen] = policy["podSelector"]["matchExpressions"]
    names = {pod["metadata"]["labels"][chosen["key"]] for pod in PODS}

    assert (chosen["operator"], set(chosen["values"])) == ("In", names)
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    [inwards] = policy["ingress"]
    assert [*map(_peer, inwards["from"])] == ["namespace ingress-nginx", "namespace monitoring"]
    port = str(inwards["ports"][0]["port"])
    assert (len(inwards["ports"]), port) == (1, MANIFESTS["configmap.yaml"]["data"]["PORT"])
    outwards = {_peer(peer): {one["port"] for one in rule["ports"]} for rule in policy["egress"] for peer in rule["to"]}
    database = int(MANIFESTS["configmap.yaml"]["data"]["DB_PORT"])
    redis, mail = (urlsplit(MANIFESTS["secret.example.yaml"]["stringData"][name]) for name in ("REDIS_URL", "MAIL_URL"))
    assert outwards == {
        "kube-dns of namespace kube-system": {53},
        MANIFESTS["configmap.yaml"]["data"]["DB_HOST"]: {database},
        str(redis.hostname): {redis.port},
        "192.0.2.25/32": {mail.port},
    }
    # Whoever forgets to fill it in trusts nobody and reaches nobody.
    for example in ("192.0.2.25", MANIFESTS["configmap.yaml"]["data"]["TRUSTED_PROXIES"]):
        assert ip_address(example) in ip_network("192.0.2.0/24")


def test_namespace_takes_no_pod_with_more_rights() -> None:
    namespace = MANIFESTS["namespace.yaml"]["metadata"]

    assert namespace["name"] == MANIFESTS["kustomization.yaml"]["namespace"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_database_and_redis_are_in_a_network_without_a_way_out() -> None:
    networks = {name: set(service["networks"]) for name, service in COMPOSE["services"].items()}

    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert networks["mysql"] == networks["redis"] == {"data"}
    assert networks["nginx"] == {"inside"}


def test_probes_ask_routes_that_exist_on_the_port_that_is_served() -> None:
    container = PODS[0]["spec"]["containers"][0]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    paths = create_app(Settings(_env_file=None, secret_key=SECRET)).openapi()["paths"]

    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {probe["path"] for probe in probes.values()} <= set(paths)
    (port,) = container["ports"]
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert str(port["containerPort"]) == MANIFESTS["configmap.yaml"]["data"]["PORT"]
    assert MANIFESTS["service.yaml"]["spec"]["ports"][0]["targetPort"] == port["name"]


def test_pod_may_finish_what_it_has_begun() -> None:
    spec = PODS[0]["spec"]
    pause = int(spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    shutdown = int(MANIFESTS["configmap.yaml"]["data"]["SHUTDOWN_SECONDS"])

    assert spec["terminationGracePeriodSeconds"] > pause + 2 * shutdown
    assert int(COMPOSE["services"]["gatepost"]["stop_grace_period"].removesuffix("s")) > 2 * shutdown


def test_manifests_speak_of_one_deployment() -> None:
    deployment = MANIFESTS["deployment.yaml"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["service.yaml"]["spec"]["selector"] == labels
    assert MANIFESTS["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"] == labels
    target = MANIFESTS["autoscaler.yaml"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (deployment["kind"], deployment["metadata"]["name"])
    # A number here would undo the autoscaler's at each apply.
    assert "replicas" not in deployment["spec"]
    for pod in PODS:
        sources = [source for entry in pod["spec"]["containers"][0]["envFrom"] for source in entry.values()]
        assert {source["name"] for source in sources} == {MANIFESTS["configmap.yaml"]["metadata"]["name"], "gatepost"}
    assert {*MANIFESTS["kustomization.yaml"]["resources"]} == {
        *MANIFESTS, } - {"kustomization.yaml", "secret.example.yaml", "migrate.job.yaml"}  # fmt: skip


@pytest.fixture
def url(mysql_url: URL) -> Iterator[URL]:
    """Give a separate database, because processes leave keys in it that only their secret opens."""
    url = mysql_url.set(database=f"{mysql_url.database}_replicas")
    asyncio.run(run_sql(mysql_url, f"CREATE DATABASE {url.database}"))
    try:
        asyncio.run(_migrated(url))
        yield url
    finally:
        asyncio.run(run_sql(mysql_url, f"DROP DATABASE {url.database}"))


@pytest.mark.nginx
@pytest.mark.mysql
def test_two_replicas_serve_as_one_and_one_goes_on_alone(url: URL, tmp_path: Path) -> None:
    program_ = program("nginx", package="nginx, such as Debian's nginx-light")
    with ExitStack() as outer, ExitStack() as inner:
        first = outer.enter_context(_replica(tmp_path / "first", url))
        second = inner.enter_context(_replica(tmp_path / "second", url))
        client = outer.enter_context(_behind(program_, tmp_path, [first, second]))
        account = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        signed_in = client.post("/api/auth/signup", json=account, headers=forged)
        assert signed_in.status_code == 201, signed_in.text

        refresh_token = _refreshed(client, signed_in.json()["refreshToken"])

        for server in (first, second):
            assert '"route":"/api/auth/refreshtoken"' in server.log
        headers = bearer(signed_in.json()["accessToken"])
        devices = client.get("/api/auth/sessions", headers=headers).json()
        assert {device["address"] for device in devices} == {"127.0.0.1"}
        assert client.get("/metrics").status_code == 404
        assert client.post("/api/auth/signin", content=b"x" * 70_000).status_code == 413

        inner.close()

        _refreshed(client, refresh_token)
        assert client.get("/readyz").status_code == 200
    assert not list(tmp_path.glob("*/data")), "a replica in production writes no file"


def _peer(peer: dict[str, Any]) -> str:
    """Return as text which peers a rule allows: every condition that it sets."""
    labels = [peer[kind]["matchLabels"] for kind in ("podSelector", "namespaceSelector") if kind in peer]
    assert all(len(one) == 1 for one in labels)
    words = [f"namespace {value}" if "metadata.name" in key else value for one in labels for key, value in one.items()]
    return " of ".join(words) or str(peer["ipBlock"]["cidr"])


async def _migrated(url: URL) -> None:
    engine = create_engine(url, timeout_seconds=30)
    await migrate(engine)
    await engine.dispose()


def _refreshed(client: httpx.Client, token: str) -> str:
    for _ in range(REQUESTS):
        answer = client.post("/api/auth/refreshtoken", json={"refreshToken": token})
        assert answer.status_code == 200, answer.text
        token = answer.json()["refreshToken"]
    return token


@contextmanager
def _replica(folder: Path, url: URL) -> Iterator[GatepostServer]:
    folder.mkdir()
    with gatepost_server(
        folder,
        DATABASE_URL=url.render_as_string(hide_password=False),
        ENVIRONMENT="production",
        SECRET_KEY=SECRET,
        HTTP_IN_PRODUCTION="true",
        MAIL_URL="smtp://127.0.0.1:1",
        TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        yield server


@contextmanager
def _behind(nginx: str, folder: Path, servers: list[GatepostServer]) -> Iterator[httpx.Client]:
    """Run nginx with the configuration as it is, but for addresses and where it may write."""
    port = free_port()
    config = NGINX
    replicas = "".join(f"server {urlsplit(server.url).netloc} max_fails=1 fail_timeout=2s;\n" for server in servers)
    for pattern, real in (
        (r"server gatepost:8080 [^;]*;", replicas),
        (r"listen 80;", f"listen 127.0.0.1:{port};"),
        (r"http \{", "http {\n" + "".join(
            f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )),
    ):  # fmt: skip
        config, count = re.subn(pattern, real, config, count=1)
        assert count == 1, pattern
    (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/nginx.pid;\n{config}")
    command = [nginx, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, env=server_env(), check=False)
    assert tested.returncode == 0, tested.stderr
    url = f"http://127.0.0.1:{port}"
    with process(command, folder=folder, ready=url), httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client
