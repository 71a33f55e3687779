"""The people, sources and tokens of a demo, and what it remembers of itself in its data folder."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapters.demo.history import Cast
from adapters.demo.network import DOMAIN
from adapters.demo.people import PEOPLE
from adapters.demo.watching import give_profiles
from adapters.refusals import UNREADABLE
from argus_core.domain.accounts import actor_of
from argus_core.usecases.apply import Applied, WantedSource, WantedToken, WantedUser, World

if TYPE_CHECKING:
    from adapters.container import Container

FILE = "demo.json"
_PASSWORD_BYTES = 10

# By name; the type is the part before the hyphen.
SOURCES: Mapping[str, str] = {
    "nav-south": f"https://nav-south.{DOMAIN}/",
    "nav-north": f"https://nav-north.{DOMAIN}/",
    "zabbix-servers": f"https://zabbix.{DOMAIN}/",
    "zabbix-facilities": f"https://zabbix-facilities.{DOMAIN}/",
    "nagios-services": f"https://nagios.{DOMAIN}/",
    "zino-backbone": f"https://zino.{DOMAIN}/",
    "prometheus-platform": f"https://prometheus.platform.{DOMAIN}/",
    "prometheus-campus": f"https://prometheus.campus.{DOMAIN}/",
}


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo tells again when it goes on: everybody's password, and the tokens by username."""

    password: str
    tokens: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Memory:
    """The file that keeps it, for the eyes of its owner. It also marks a data folder as that of a demo."""

    file: Path

    def recall(self) -> Remembered | None:
        """What is remembered, if this is a demo."""
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Remembered)
        except (FileNotFoundError, *UNREADABLE):
            return None

    def keep(self, remembered: Remembered) -> None:
        """Remember this from now on; what is there is always whole."""
        new = self.file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(msgspec.json.encode(remembered))
        new.rename(self.file)

    def forget(self) -> None:
        """Remember nothing."""
        self.file.unlink(missing_ok=True)


def new_password() -> str:
    """One that can be typed: random letters and digits in groups of four."""
    text = base64.b32encode(secrets.token_bytes(_PASSWORD_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 12, 4))


async def settle(container: "Container", memory: Memory) -> tuple[Cast, Remembered]:
    """
    Make everybody exist, with a token whose key is known, and with something to be told about; what is there already stays.

    Raises:
        Invalid: somebody has taken a user away from a source, or the like.
    """
    remembered = memory.recall()
    if remembered is None:
        remembered = Remembered(password=new_password())
        memory.keep(remembered)  # first of all: from now on this is a demo
        applied = await container.applying().apply(_world(remembered.password))
    else:
        applied = await container.applying().apply(_world(None))
    known = {username: key for username, key in remembered.tokens.items() if await container.accounts().authenticate(key)}
    missing = tuple(replace(user, token=WantedToken.VALID) for user in _users(None) if user.username not in known)
    made = await container.applying().apply(World(users=missing), fresh_tokens=True)
    remembered = Remembered(password=remembered.password, tokens={**known, **made.keys})
    memory.keep(remembered)
    cast = _cast(applied)
    await give_profiles(container.profiles(), cast)
    return cast, remembered


def _world(password: str | None) -> World:
    return World(
        users=_users(password),
        sources=tuple(
            WantedSource(name=name, type=name.partition("-")[0], actor=name, base_url=address) for name, address in SOURCES.items()
        ),
    )


def _users(password: str | None) -> tuple[WantedUser, ...]:
    people = (
        WantedUser(
            actor=person.username,
            username=person.username,
            password=password,
            first_name=person.first_name,
            last_name=person.last_name,
            email=f"{person.username}@{DOMAIN}",
            staff=person.staff,
            superuser=person.superuser,
        )
        for person in PEOPLE
    )
    return (*people, *(WantedUser(actor=name, username=name) for name in SOURCES))


def _cast(applied: Applied) -> Cast:
    sources = {source.name: source for source in applied.sources}
    return Cast(
        sources=sources,
        reporters={name: actor_of(applied.users[name], source) for name, source in sources.items()},
        people={person.username: actor_of(applied.users[person.username], None) for person in PEOPLE},
    )
