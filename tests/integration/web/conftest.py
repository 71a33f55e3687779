"""Argus with people, a mailbox and a real identity provider; and browsers, of httpx and Chromium."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property

import httpx
import pytest

from integration.postgres import fresh_database
from integration.serving import Served, applied, argus, impatience, process, serving
from integration.sink import sink

SECRET = "correct horse"
SPEC = {
    "users": [
        {"actor": "alice", "username": "alice", "password": SECRET, "email": "alice@example.org", "token": "valid"},
        {"actor": "sam", "username": "sam", "password": SECRET, "is_staff": True},
    ]
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None)
CLIENT = ("argus", "a secret of tests, long enough")


@dataclass
class Site:
    """A running server, and what stands around it."""

    url: str
    served: Served
    mailbox: object
    database: str
    environment: dict
    folder: object
    closing: ExitStack

    @cached_property
    def neighbour(self) -> str:
        """Where another server on the same database listens; for whoever asks, it is started."""
        return self.closing.enter_context(serving("--no-worker", environment=self.environment, folder=self.folder)).url

    def browser(self, url: str = "", **cookies: str) -> "Browser":
        client = httpx.Client(base_url=url or self.url, cookies=cookies, timeout=30)
        self.closing.callback(client.close)
        return Browser(client)

    def argus(self, *arguments: object) -> str:
        return argus(*arguments, environment=self.environment, folder=self.folder)

    def log(self) -> str:
        return self.served.log.read_text()


@dataclass
class Browser:
    client: httpx.Client

    def token(self, path: str = "/login/") -> str:
        return re.search(r'name="csrf_token" value="(\w+)"', self.client.get(path).text)[1]

    def send(self, path: str, fields: dict, page: str = "/login/") -> httpx.Response:
        return self.client.post(path, data={"csrf_token": self.token(page), **fields})

    def log_in(self, name: str = "alice", password: str = SECRET) -> httpx.Response:
        return self.send("/login/", {"username": name, "password": password})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def provider_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def site(postgres, migrated, tmp_path_factory, provider_port) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "argus.toml").write_text(
        f'public_url = "{url}"\n'
        f'[oidc.feide]\nname = "Feide"\nissuer = "http://localhost:{provider_port}"\nclient_id = "{CLIENT[0]}"\n'
        'scopes = ["openid", "profile", "email", "groups"]\nstaff_groups = ["operators"]\n'
    )
    with ExitStack() as stack:
        dsn = stack.enter_context(fresh_database(postgres, template=migrated))
        mailbox = stack.enter_context(sink())
        environment = {"DATABASE_URL": dsn, "ARGUS_OIDC_FEIDE_CLIENT_SECRET": CLIENT[1], **mailbox.settings}
        applied(SPEC, environment=environment, folder=folder)
        served = stack.enter_context(serving(environment=environment, folder=folder, port=port))
        yield Site(url, served, mailbox, dsn, environment, folder, stack)


@pytest.fixture(scope="module")
def provider(site, provider_port) -> Iterator[str]:
    """The npm package `oidc-provider`, which lets in everybody under the name they give."""
    from integration.web.node_packages import NODE, node_folder

    command = [
        *(NODE, node_folder() / "provider.mjs", provider_port, *CLIENT),
        *(f"{site.url}/oidc/complete/feide/", f"{site.url}/login/?done=out"),
    ]
    with process(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started, impatience(started):
        assert started.stdout.readline().startswith("ready")
        yield f"http://localhost:{provider_port}"


@pytest.fixture(scope="module")
def chromium():
    """A real browser. Its scripts stay in it: nothing of the outside is asked for."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium) -> Iterator:
    context = chromium.new_context()
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()
