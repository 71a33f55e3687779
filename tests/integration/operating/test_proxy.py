"""The example for nginx, with a real nginx in front of a real server."""

import os
import re
import shutil
import ssl
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from integration.postgres import fresh_database
from integration.serving import applied, process, serving
from integration.web.conftest import SECRET, SPEC, free_port

EXAMPLE = Path(__file__).parents[3] / "deploy" / "nginx" / "argus.conf"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "argus.example.org"
CLIENT = "127.0.0.2"
PATIENCE = 30

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")  # CI installs one


@dataclass
class Proxied:
    """A server, and nginx in front of it."""

    backend: str
    url: str
    tokens: dict
    trust: ssl.SSLContext
    served: object

    def client(self, **headers):
        """Somebody on another address, who trusts the certificate."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=CLIENT)
        return httpx.Client(base_url=self.url, transport=transport, headers={"Host": NAME, **headers}, timeout=PATIENCE)


def configured(folder, port, backend, authority):
    """The example, at another port and with other certificates."""
    certificate = authority.issue_cert(NAME, "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "argus.pem")
    certificate.private_key_pem.write_to_path(folder / "argus.key")
    site = EXAMPLE.read_text()
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("    listen [::]:443 ssl;\n", ""),
        (f"/etc/ssl/{NAME}.pem", f"{folder}/argus.pem"),
        (f"/etc/ssl/private/{NAME}.key", f"{folder}/argus.key"),
        ("http://127.0.0.1:8000", backend),
    ):
        assert there in site
        site = site.replace(there, here)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    alone = f"daemon off; master_process off; pid {folder}/nginx.pid"  # one process, which leaves no other behind when it is killed
    whole = f"{alone}; error_log stderr; events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    (folder / "nginx.conf").write_text(("user root;" if os.geteuid() == 0 else "") + whole)
    return NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"


@pytest.fixture(scope="module")
def proxied(postgres, migrated, tmp_path_factory):
    folder, port, authority = tmp_path_factory.mktemp("nginx"), free_port(), trustme.CA()
    with ExitStack() as stack:
        dsn = stack.enter_context(fresh_database(postgres, template=migrated))
        environment = {
            "DATABASE_URL": dsn,
            "ARGUS_TRUSTED_PROXIES": "127.0.0.1",
            "ARGUS_PUBLIC_URL": f"https://{NAME}",
            "ARGUS_METRICS_ALLOW": "127.0.0.1",
        }
        world = applied(SPEC, environment=environment, folder=folder)
        served = stack.enter_context(serving("--no-worker", environment=environment, folder=folder))
        command = configured(folder, port, served.url, authority)
        subprocess.run([*command, "-t"], check=True, timeout=PATIENCE, capture_output=True)
        stack.enter_context(process(*command))
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        proxied = Proxied(served.url, f"https://127.0.0.1:{port}", {"alice": world["actors"]["alice"]["token"]}, trust, served)
        _until_it_listens(proxied)
        yield proxied


def _until_it_listens(proxied):
    until = time.monotonic() + PATIENCE
    with proxied.client() as client:
        while True:
            try:
                client.get("/health/live")
            except httpx.ConnectError:
                assert time.monotonic() < until
                time.sleep(0.05)
            else:
                return


def test_people_log_in_through_it_and_are_known_by_their_own_address(proxied):
    """
    Whatever they say about it themselves.
    """
    with proxied.client(**{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}) as client:
        form = re.search(r'name="csrf_token" value="(\w+)"', client.get("/login/").text)[1]
        failed = client.post("/login/", data={"csrf_token": form, "username": "alice", "password": "wrong"})
        answer = client.post("/login/", data={"csrf_token": form, "username": "alice", "password": SECRET})

    assert [400, 303] == [failed.status_code, answer.status_code]
    assert any(cookie.startswith("__Host-argus_session=") and "Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert "a login failed" in proxied.served.log.read_text()
    assert f"from={CLIENT}" in proxied.served.log.read_text()
    assert "203.0.113.9" not in proxied.served.log.read_text()


def test_links_to_further_pages_lead_through_it(proxied):
    with proxied.client(Authorization=f"Token {proxied.tokens['alice']}") as client:
        answer = client.get("/api/v2/incidents")

        assert (301, "/api/v2/incidents/") == (answer.status_code, answer.headers["location"])
        assert 200 == client.get(answer.headers["location"]).status_code


def test_bodies_are_as_large_as_argus_takes_them(proxied):
    with proxied.client(Authorization=f"Token {proxied.tokens['alice']}") as client:
        sizes = [client.post("/api/v2/incidents/", content=b" " * size).status_code for size in (1_000_000, 1_048_577)]

    assert 413 == sizes[1]
    assert 413 != sizes[0]


def test_metrics_are_not_for_those_outside_although_they_come_from_this_machine(proxied):
    with proxied.client() as client:
        outside = client.get("/metrics").status_code

    assert [404, 200] == [outside, httpx.get(f"{proxied.backend}/metrics").status_code]
