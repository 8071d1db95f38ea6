"""deploy/: nobody else in a network can read what is sent there, and nobody else is trusted."""

from ipaddress import ip_address, ip_network
from pathlib import Path

from tests.architecture.test_replicas import COMPOSE, DEPLOY, MANIFESTS, PODS

SCALING = (DEPLOY.parent / "docs/scaling.md").read_text(encoding="utf-8")


def test_address_that_is_believed_is_given_to_no_replica() -> None:
    [config] = COMPOSE["networks"]["inside"]["ipam"]["config"]
    fixed = {
        ip_address(network["ipv4_address"])
        for service in COMPOSE["services"].values()
        for network in (service["networks"].values() if isinstance(service["networks"], dict) else ())
        if network
    }
    subnet, drawn = ip_network(config["subnet"]), ip_network(config["ip_range"])

    assert ip_address(COMPOSE["x-gatepost"]["environment"]["TRUSTED_PROXIES"]) in fixed
    assert {drawn[0], drawn[-1]} <= set(subnet)
    for address in fixed | {ip_address(config["gateway"])}:
        assert address in subnet
        assert address not in drawn
    assert ip_address(config["gateway"]) not in fixed


def test_pods_have_the_file_that_proves_the_database() -> None:
    ca = Path(MANIFESTS["configmap.yaml"]["data"]["DB_TLS_CA"])
    for pod in PODS:
        mounts = {mount["mountPath"]: mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes[mounts[str(ca.parent)]]["configMap"]["name"] == "gatepost-database-ca"
    assert f"create configmap gatepost-database-ca --from-file={ca.name}" in SCALING
