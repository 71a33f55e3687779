"""Finding plugins of any package by their entry points, whatever state they are in."""

import asyncio
import importlib
import logging
import sys
import time

import pytest

from adapters.plugins import Ambiguous, check_offers, load_media, load_ticket_system
from adapters.refusals import Refusal
from argus_core.conformance import sample_notification
from argus_core.domain.actors import Actor
from argus_core.ports.media import close, host_of, lack_of, staff_only
from argus_core.ports.tickets import TicketFailed

MEDIUM = """
class Made:
    slug = "pigeon"
    name = "Carrier pigeon"
    schema = {}
    def __init__(self, config): self.config = config
    def clean(self, settings): return settings
    def label(self, settings): return "Pigeon"
    async def send(self, notification, settings): ...
"""
TICKETS = """
class Made:
    slug = "ledger"
    name = "Paper ledger"
    def __init__(self, config): self.config = config
    async def create(self, incident, *, actor, link): return f"https://ledger.example.org/{incident.id}"
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with one entry point where Python finds it, as an installer does."""

    def install(code, *, slug="pigeon", group="argus.media", distribution="argus-pigeon", module="argus_pigeon"):
        folder = tmp_path / distribution
        info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{slug} = {module}:Made\n")
        (folder / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.invalidate_caches()

    return install


def reasons(media):
    return {medium.slug: medium.reason for medium in media.enabled}


def test_media_are_listed_as_enabled_each_once():
    media = load_media(["sms", "email", "sms"], {})

    assert [("sms", "SMS", True), ("email", "Email", True)] == [(medium.slug, medium.name, medium.installed) for medium in media.enabled]


def test_a_medium_of_another_package_gets_the_settings(install):
    install(MEDIUM)

    (medium,) = load_media(["pigeon"], {"ARGUS_PIGEON_LOFT": "roof"}).enabled

    assert ("pigeon", "Carrier pigeon", True, "") == (medium.slug, medium.name, medium.installed, medium.reason)
    assert medium.medium.config == {"ARGUS_PIGEON_LOFT": "roof"}


def test_a_medium_that_is_not_enabled_is_not_even_imported(install):
    install("raise RuntimeError")

    load_media(["email"], {})

    assert "argus_pigeon" not in sys.modules


def test_a_medium_that_nobody_offers_stays_listed(caplog):
    media = load_media(["email", "pigeon"], {})

    assert {"email": "", "pigeon": "No installed package offers pigeon."} == reasons(media)
    assert [("pigeon", False)] == [(medium.name, medium.installed) for medium in media.enabled[1:]]
    assert [(logging.ERROR, "argus.media: No installed package offers pigeon.")] == [
        (entry.levelno, entry.message) for entry in caplog.records
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import nothing",
            "pigeon of argus-pigeon 1.0 cannot be imported: ModuleNotFoundError: No module named 'nothing'",
        ),
        ("raise SystemExit(3)", "pigeon of argus-pigeon 1.0 cannot be imported: SystemExit: 3"),
        ("", "pigeon of argus-pigeon 1.0 cannot be imported: AttributeError: module 'argus_pigeon' has no attribute 'Made'"),
        ("def Made(): ...", "pigeon of argus-pigeon 1.0 does not start: TypeError: Made() takes 0 positional arguments but 1 was given"),
        ("def Made(config): raise ValueError('ARGUS_PIGEON_LOFT is not set.')", "ARGUS_PIGEON_LOFT is not set."),
        ("def Made(config): return 7", "pigeon of argus-pigeon 1.0 has no slug, name, schema, clean, label, send."),
        (MEDIUM.replace("pigeon", "raven", 1), "pigeon of argus-pigeon 1.0 calls itself 'raven'."),
        (MEDIUM.replace('"Carrier pigeon"', "None"), "pigeon of argus-pigeon 1.0 has a name that is none: None."),
        (MEDIUM.replace("schema = {}", "schema = []"), "pigeon of argus-pigeon 1.0 has a schema that is no object."),
        (
            MEDIUM.replace("schema = {}", "schema = {'a': b'x'}"),
            "pigeon of argus-pigeon 1.0 has a schema that is no JSON: Object of type bytes is not JSON serializable",
        ),
        (
            MEDIUM.replace("schema = {}", "schema = property(lambda self: 1 / 0)"),
            "pigeon of argus-pigeon 1.0 does not start: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_medium_that_does_not_work_keeps_nothing_else_from_working(install, caplog, code, reason):
    install(code)

    media = load_media(["pigeon", "email"], {})

    assert {"pigeon": reason, "email": ""} == reasons(media)
    assert [f"argus.media: {reason}"] == [entry.message for entry in caplog.records]


@pytest.mark.anyio
async def test_a_medium_of_another_package_blocks_nobody_when_it_sends(install):
    install(MEDIUM.replace("send(self, notification, settings): ...", "send(self, notification, settings): __import__('time').sleep(0.5)"))
    (pigeon,) = load_media(["pigeon"], {}).enabled

    sending = asyncio.create_task(pigeon.medium.send(sample_notification(), {}))
    began = time.monotonic()
    await asyncio.sleep(0.01)

    assert time.monotonic() - began < 0.4
    await sending


@pytest.mark.anyio
async def test_a_medium_of_another_package_keeps_the_schema_that_it_had_and_may_go_without_the_rest(install):
    install(
        MEDIUM.replace(
            "schema = {}",
            "schema = property(lambda self: {'title': self.made.pop()})\n    made = ['Pigeons', 'asked whether there is one']",
        )
    )
    (pigeon,) = load_media(["pigeon"], {}).enabled

    assert [{"title": "Pigeons"}] * 2 == [pigeon.medium.schema, pigeon.medium.schema]
    assert ("", "", {}) == (lack_of(pigeon.medium), host_of(pigeon.medium, {}), staff_only(pigeon.medium, {}))
    await close(pigeon.medium)


@pytest.mark.anyio
async def test_a_ticket_system_of_another_package_blocks_nobody(install):
    code = TICKETS.replace(
        "create(self, incident, *, actor, link): return", "create(self, incident, *, actor, link): __import__('time').sleep(0.5); return"
    )
    install(code, slug="ledger", group="argus.tickets")
    system = load_ticket_system("ledger", {})

    making = asyncio.create_task(system.create(sample_notification().incident, actor=Actor(id=2, username="ola"), link=""))
    began = time.monotonic()
    await asyncio.sleep(0.01)

    assert time.monotonic() - began < 0.4
    assert "https://ledger.example.org/42" == await making


def test_wrong_settings_of_ours_are_the_reason():
    media = load_media(["email", "sms"], {"ARGUS_EMAIL_PORT": "x"})

    assert {"ARGUS_EMAIL_PORT is 'x'; expected a number from 1 to 65535."} == set(reasons(media).values())


def test_two_offers_of_one_slug_are_refused_with_both_names(install):
    install(MEDIUM)
    install(MEDIUM, distribution="other-pigeon", module="other_pigeon")

    for load in (lambda: load_media(["pigeon"], {}), lambda: check_offers(["email", "pigeon"], "nobody")):
        with pytest.raises(Ambiguous, match=r"pigeon of argus\.media is offered by argus-pigeon 1\.0 and by other-pigeon 1\.0;"):
            load()
    assert issubclass(Ambiguous, Refusal)


def test_two_offers_of_a_slug_that_is_not_enabled_do_not_matter(install):
    install(MEDIUM)
    install(MEDIUM, distribution="other-pigeon", module="other_pigeon")

    assert ["email"] == [medium.slug for medium in load_media(["email"], {}).enabled]


def test_nobody_can_replace_ours_unnoticed(install):
    install(MEDIUM, slug="email")

    with pytest.raises(Ambiguous, match=r"argus-core .* and by argus-pigeon 1\.0"):
        load_media(["email"], {})


def test_without_a_name_there_is_no_ticket_system():
    assert load_ticket_system("", {}) is None


@pytest.mark.parametrize(
    ("slug", "name", "project"),
    [
        ("github", "GitHub", "example/network"),
        ("gitlab", "GitLab", "example/network"),
        ("jira", "Jira", "NOC"),
        ("request-tracker", "Request Tracker", "General"),
    ],
)
def test_our_ticket_systems_are_found(slug, name, project):
    settings = {"ARGUS_TICKET_ENDPOINT": "https://tickets.example.org", "ARGUS_TICKET_TOKEN": "t0ken", "ARGUS_TICKET_PROJECT": project}

    system = load_ticket_system(slug, settings)

    assert (slug, name) == (system.slug, system.name)


@pytest.mark.anyio
async def test_a_ticket_system_of_another_package_works(install):
    install(TICKETS, slug="ledger", group="argus.tickets")

    system = load_ticket_system("ledger", {"ARGUS_TICKET_TOKEN": "x"})

    assert {"ARGUS_TICKET_TOKEN": "x"} == system.config
    assert (
        await system.create(sample_notification().incident, actor=Actor(id=2, username="ola"), link="") == "https://ledger.example.org/42"
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("githbu", "The ticket system githbu cannot be used: No installed package offers githbu."),
        ("github", "The ticket system github cannot be used: ARGUS_TICKET_TOKEN is not set."),
        ("ledger", "The ticket system ledger cannot be used: ledger of argus-pigeon 1.0 cannot be imported: RuntimeError: "),
    ],
)
async def test_a_ticket_system_that_does_not_work_says_why_when_it_is_asked(install, caplog, slug, reason):
    install("raise RuntimeError", slug="ledger", group="argus.tickets")

    system = load_ticket_system(slug, {})

    assert (slug, slug) == (system.slug, system.name)
    assert len(caplog.records) == 1
    with pytest.raises(TicketFailed) as caught:
        await system.create(sample_notification().incident, actor=Actor(id=2, username="ola"), link="")
    assert reason == str(caught.value)
