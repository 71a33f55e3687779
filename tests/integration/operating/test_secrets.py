"""No secret that Argus is told is in anything it logs, at any level, nor in what it answers; but where it was asked for."""

import json
import re
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from integration.hearing import want
from integration.postgres import fresh_database
from integration.serving import ARGUS, SECRETS, applied, argus, assert_nothing_betrayed, environ, impatience, process, serving
from integration.sink import Sink

PASSWORD, ANOTHER, FOR_A_NAME = "planted-password-1", "planted-password-2", "planted-password-typed-as-name"
MISTYPED, IN_A_QUERY, IN_A_COOKIE, CODE = "planted-mistyped-token", "planted-in-a-query", "planted-in-a-cookie", "planted-code"
OF_THE_DATABASE, OF_MAIL, OF_OIDC, OF_TICKETS = "planted-database", "planted-smtp", "planted-client-secret", "planted-ticket-token"
CSRF = re.compile(r'name="csrf_token" value="(\w+)"')


class Provider(BaseHTTPRequestHandler):
    """Describes itself as it has to, and takes no code; keeps what it was sent."""

    heard: list = []  # noqa: RUF012 - one provider

    def do_GET(self):
        url = f"http://localhost:{self.server.server_port}"
        self._answer(200, {"issuer": url, **{f"{name}_endpoint": f"{url}/{name}" for name in ("authorization", "token")}, "jwks_uri": url})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.heard.append(f"{self.headers.get('authorization')} {body}")
        self._answer(503, {"error": "down", "echo": body})

    def log_message(self, *_):
        pass

    def _answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provider():
    with ThreadingHTTPServer(("localhost", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


class Guarded(Sink):
    """A mail server that wants a login."""

    def server(self):
        passed = lambda *_: AuthResult(success=True)  # noqa: E731 - as short as that
        return SMTP(self, hostname="mail.example.org", loop=self._loop, authenticator=passed, auth_require_tls=False)


@contextmanager
def guarded():
    opened = Guarded()
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()


def with_a_link(mails):
    return mails and "key=" in mails[-1].text


class Run:
    """What is done to a server, and all that it answers."""

    def __init__(self, served, world, mailbox):
        self.served, self.mailbox = served, mailbox
        self.tokens = {name: one["token"] for name, one in world["actors"].items()}
        self.answers, self.secrets = [], {}

    def client(self, token=None):
        headers = {} if token is None else {"Authorization": f"Token {token}"}
        return httpx.Client(base_url=self.served.url, headers=headers, timeout=30, event_hooks={"response": [self._keep]})

    def _keep(self, answer):
        answer.read()
        kept = [f"{name}: {value}" for name, value in answer.headers.items() if name not in ("set-cookie", "location")]
        self.answers.append(f"{answer.request.method} {answer.request.url.path}: {kept} {answer.text}")

    def planted(self, **secrets):
        """Remember what must not be found."""
        self.secrets |= secrets

    def programs(self):
        """Log in and out over the API, rightly and wrongly; use tokens, old and mistyped, in headers and in a query."""
        with self.client() as client:
            for name, password in (("alice", "wrong"), (FOR_A_NAME, "x"), ("alice", FOR_A_NAME)):
                assert 400 == client.post("/api/v2/token-auth/", json={"username": name, "password": password}).status_code
            assert 401 == client.get("/api/v2/incidents/", headers={"Authorization": f"Token {MISTYPED}"}).status_code
            assert 401 == client.get("/api/v2/incidents/", headers={"Authorization": f"Token {MISTYPED} {MISTYPED}"}).status_code
            client.get(f"/api/v2/incidents/?token={IN_A_QUERY}")
            client.get(f"/nothing/?token={IN_A_QUERY}")
            client.post("/api/v2/token-auth/", content=f'{{"username": "alice", "password": "{PASSWORD}"')
            client.post("/api/v2/token-auth/", json={"username": "alice", "password": [PASSWORD]})
        told = httpx.post(f"{self.served.url}/api/v2/token-auth/", json={"username": "alice", "password": PASSWORD})
        self.planted(token_of_a_login=told.json()["token"], **{f"token_of_{name}": token for name, token in self.tokens.items()})
        with self.client(told.json()["token"]) as alice, self.client(self.tokens["nav"]) as nav:
            with self.served.client(told.json()["token"]) as api:
                want(api)
            report = {"start_time": "2026-11-26T08:00:00Z", "description": "Router down", "tags": [], "level": 1}
            number = nav.post("/api/v2/incidents/", json=report).json()["pk"]
            self.mailbox.wait_for(len)
            alice.put(f"/api/v2/incidents/{number}/automatic-ticket/")
            alice.get("/api/v2/auth/user/")
            alice.get("/metrics")
            alice.post("/api/v2/auth/logout/")
            assert 401 == alice.get("/api/v2/auth/user/").status_code

    def people(self):
        """Log in and out on pages, forget and change the password, and come from a provider that is in trouble."""
        with self.client() as client:
            form = CSRF.search(client.get("/login/").text)[1]
            client.post("/login/", data={"csrf_token": form, "username": "alice", "password": "wrong " + PASSWORD})
            # The page shows what was typed as a name to whoever typed it, and to nobody else.
            httpx.post(
                f"{self.served.url}/login/", data={"csrf_token": form, "username": FOR_A_NAME, "password": "x"}, cookies=client.cookies
            )
            client.post("/login/", data={"csrf_token": "wrong", "username": "alice", "password": PASSWORD})
            client.get("/account/", headers={"Cookie": f"argus_session={IN_A_COOKIE}"})
            left = client.get("/oidc/login/feide/").headers["location"]
            state = parse_qs(urlsplit(left).query)["state"][0]
            assert 502 == client.get(f"/oidc/complete/feide/?state={state}&code={CODE}").status_code
            self.planted(code=CODE, state=state)

            form = CSRF.search(client.get("/login/").text)[1]
            assert 303 == client.post("/login/", data={"csrf_token": form, "username": "alice", "password": PASSWORD}).status_code
            self.planted(session=client.cookies["argus_session"])
            form = CSRF.search(client.get("/account/").text)[1]
            self.mailbox.clear()
            client.post("/password-reset/", data={"csrf_token": form, "email": "alice@example.org"})
            link = re.search(r"key=(\S+)", self.mailbox.wait_for(with_a_link)[-1].text)[1]
            self.planted(link=link)
            client.get(f"/password-reset/new/?key={link}")
            data = {"csrf_token": form, "key": "planted-wrong-key", "new": ANOTHER, "again": ANOTHER}
            client.post("/password-reset/new/", data=data)
            client.post("/password-reset/new/", data={**data, "key": link})
            client.post("/logout/", data={"csrf_token": form})


@pytest.fixture(scope="module")
def run(postgres, migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    spec = {
        "users": [
            {"actor": "alice", "username": "alice", "password": PASSWORD, "email": "alice@example.org", "token": "valid"},
            {"actor": "nav", "username": "nav", "token": "valid"},
        ],
        "source_types": ["nav"],
        "sources": [{"name": "nav-oslo", "type": "nav", "user": "nav", "base_url": ""}],
    }
    with fresh_database(postgres, template=migrated) as database, guarded() as mailbox, provider() as issuer:
        (folder / "argus.toml").write_text(f'[oidc.feide]\nname = "Feide"\nissuer = "{issuer}"\nclient_id = "argus"\n')
        environment = {
            "DATABASE_URL": f"{database}{'&' if '?' in database else '?'}password={OF_THE_DATABASE}",
            "ARGUS_PUBLIC_URL": "http://localhost:8000",
            "ARGUS_LOG_LEVEL": "debug",
            "ARGUS_LOG_FORMAT": "json",
            **mailbox.settings,
            "ARGUS_EMAIL_USER": "argus",
            "ARGUS_EMAIL_PASSWORD": OF_MAIL,
            "ARGUS_OIDC_FEIDE_CLIENT_SECRET": OF_OIDC,
            "ARGUS_TICKET_SYSTEM": "github",
            "ARGUS_TICKET_ENDPOINT": issuer,
            "ARGUS_TICKET_TOKEN": OF_TICKETS,
            "ARGUS_TICKET_PROJECT": "a/b",
        }
        world = applied(spec, environment=environment, folder=folder)
        with serving(environment=environment, folder=folder) as served:
            run = Run(served, world, mailbox)
            run.planted(password=PASSWORD, another=ANOTHER, for_a_name=FOR_A_NAME, mistyped=MISTYPED, query=IN_A_QUERY, cookie=IN_A_COOKIE)
            run.planted(database=OF_THE_DATABASE, mail=OF_MAIL, oidc=OF_OIDC, tickets=OF_TICKETS)
            run.programs()
            run.people()
            run.settings = argus("settings", environment=environment, folder=folder)
            run.refused = _refusal(environment, folder)
        run.log = served.log.read_text()
        yield run


def _refusal(environment, folder):
    """What a server says whose database is not there."""
    away = re.sub(r"//[^/]*/", "//argus:planted-database@127.0.0.1:1/", environment["DATABASE_URL"], count=1).partition("?")[0]
    with (
        process(
            ARGUS,
            "worker",
            env=environ({**environment, "DATABASE_URL": away}),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as one,
        impatience(one),
    ):
        return one.stdout.read()


def test_what_servers_say_in_any_test_is_searched_for_secrets(run):
    """
    Each log when a server ends, each answer to our clients: see `integration.serving`.
    """
    assert {PASSWORD, run.tokens["alice"], OF_MAIL, OF_OIDC, OF_TICKETS} <= SECRETS
    with pytest.raises(AssertionError):
        assert_nothing_betrayed(f"info [1] POST /api/v2/incidents/\nTraceback: Token {run.tokens['nav']}")
    with pytest.raises(AssertionError), run.served.client() as client:
        client.event_hooks["response"][0](httpx.Response(200, json={"token": run.tokens["nav"]}))


def found(secrets, text):
    return {name for name, secret in secrets.items() if secret in text}


def test_secrets_got_where_they_were_meant_to_go(run):
    """
    Otherwise it would be no wonder that they are nowhere else.
    """
    assert any("Basic" in heard and CODE in heard for heard in Provider.heard)
    assert {"alice", "-"} <= {json.loads(line).get("user") for line in run.log.splitlines()}
    assert "cannot be used" in run.refused


def test_the_log_holds_no_secret(run):
    assert set() == found(run.secrets, run.log)
    assert set() == found(run.secrets, run.settings + run.refused)


def test_no_answer_holds_a_secret(run):
    seen = {name: secret for name, secret in run.secrets.items() if name != "link"}  # whoever has followed it sends it again with the form

    assert set() == found(seen, "\n".join(run.answers))


def test_every_line_is_an_object_and_those_of_requests_and_sends_say_which(run):
    entries = [json.loads(line) for line in run.log.splitlines()]

    assert all({"time", "level", "logger", "message"} <= entry.keys() for entry in entries)
    of_requests = [entry for entry in entries if entry["logger"] in ("argus.access", "argus.web", "argus.oidc", "argus.http")]
    assert {"argus.access", "argus.web", "argus.oidc"} <= {entry["logger"] for entry in of_requests}
    assert all(re.fullmatch("[0-9a-f]{16}", entry["request"]) for entry in of_requests)
