"""Real reverse proxies of our own, each with the plainest settings that pass on what a client wants to upgrade to."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import program
from tests.support.server import free_port

START_SECONDS = 30
APACHE_MODULES = Path("/usr/lib/apache2/modules")


@contextmanager
def proxy(name: str, folder: Path, upstream: str) -> Iterator[tuple[str, int]]:
    """Run `caddy`, `nginx` or `apache2` in front of a URL, in a folder of its own; give where it listens.

    Skips where it is not installed, or fails where CI says that it must be.
    """
    command = program(name, package=f"Debian's {name}")
    with free_port() as listener:
        port: int = listener.getsockname()[1]
    folder.mkdir()
    arguments = WAYS[name](folder, port, upstream.removeprefix("http://"))
    env = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([command, *arguments], cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, folder / "log")
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait()


def _caddy(folder: Path, port: int, upstream: str) -> list[str]:
    config = folder / "Caddyfile"
    config.write_text(
        f"{{\nadmin off\nauto_https off\n}}\nhttp://:{port} {{\nbind 127.0.0.1\nreverse_proxy {upstream}\n}}\n",
        encoding="utf-8",
    )
    return ["run", "--adapter", "caddyfile", "--config", str(config)]


def _nginx(folder: Path, port: int, upstream: str) -> list[str]:
    config = folder / "nginx.conf"
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\nevents {{}}\nhttp {{\n"
        f"access_log off; client_body_temp_path {folder}/body;\n{temporary}"
        f"upstream gatepost {{ server {upstream} max_fails=0; keepalive 8; }}\n"
        "map $http_upgrade $wanted { default upgrade; '' ''; }\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://gatepost; proxy_http_version 1.1;\n"
        "proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $wanted;\n"
        "proxy_request_buffering off; proxy_buffering off; } } }\n",
        encoding="utf-8",
    )
    return ["-c", str(config), "-e", str(folder / "errors")]


def _apache2(folder: Path, port: int, upstream: str) -> list[str]:
    config = folder / "apache2.conf"
    modules = "".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"
        for name in ("mpm_event", "proxy", "proxy_http", "authz_core")
    )
    config.write_text(
        f"{modules}ServerRoot {folder}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\n"
        f"DefaultRuntimeDir {folder}\nMutex file:{folder} default\nErrorLog {folder}/errors\n"
        # One child: all clients share its connections.
        "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nThreadLimit 8\nMaxRequestWorkers 8\n"
        f"ProxyPass / http://{upstream}/ upgrade=ANY keepalive=On\n",
        encoding="utf-8",
    )
    return ["-X", "-f", str(config)]


WAYS: dict[str, Callable[[Path, int, str], list[str]]] = {"caddy": _caddy, "nginx": _nginx, "apache2": _apache2}


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)
