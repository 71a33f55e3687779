"""
Files that describe users, source types, sources and tokens, and the file that tells what came of them. docs/apply.md describes both.

A description is JSON, or TOML when its name ends so. Whatever it holds that is not known is refused, so that a typing error cannot pass.
"""

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from adapters.db.embedded.folder import sync
from adapters.refusals import Refusal
from adapters.settings import Settings
from argus_core.domain.actors import Scope
from argus_core.domain.errors import Invalid
from argus_core.usecases.apply import Applied, WantedSource, WantedToken, WantedUser, World


class UserIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user. `actor` is what the file calls the user; else it is the username."""

    username: str
    actor: str | None = None
    password: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    is_active: bool | None = None
    is_staff: bool | None = None
    is_superuser: bool | None = None
    token: Literal["valid", "expired"] | None = None
    scope: Literal["read", "incidents:write", "all"] = "all"
    note: str = ""

    @property
    def called(self) -> str:
        """What the rest of the file calls the user."""
        return self.username if self.actor is None else self.actor


class SourceIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source; `user` is what the file calls its user."""

    name: str
    type: str
    user: str
    base_url: str | None = None
    note: str = ""


class ServerIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server is expected to be set up; it is compared, not changed."""

    time_zone: str | None = None
    media_plugins: list[str] | None = None
    ticket_plugin: str | None = None
    incidents_deletable_via_api: bool = False
    token_lifetime_days: float | None = None
    send_notifications: bool | None = None


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. `about` and `defaults_for_every_user` are for people who read it."""

    users: list[UserIn] = []
    source_types: list[str] = []
    sources: list[SourceIn] = []
    server: ServerIn = ServerIn()
    about: str = ""
    defaults_for_every_user: dict[str, object] = {}

    @property
    def world(self) -> World:
        """What shall exist."""
        return World(
            users=tuple(map(_wanted_user, self.users)),
            source_types=tuple(self.source_types),
            sources=tuple(
                WantedSource(name=source.name, type=source.type, actor=source.user, base_url=source.base_url) for source in self.sources
            ),
        )


_SHAPES: Mapping[str, type[msgspec.Struct]] = {"users": UserIn, "sources": SourceIn, "server": ServerIn, "": Description}


@dataclass(frozen=True, slots=True)
class _Compared:
    expected: object
    found: object
    what: str


def read(file: Path) -> Description:
    """
    Read a description.

    Raises:
        Refusal: it cannot be read, or holds what it must not; the place is named.
    """
    try:
        text = file.read_bytes().decode()
        plain = tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
        return msgspec.convert(plain, Description)
    except OSError as error:
        raise Refusal(f"The file {file} cannot be read: {error.strerror}.") from error
    except msgspec.ValidationError as error:
        raise Refusal(f"{file}: {_placed(str(error))}") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{file} is not valid {'TOML' if file.suffix.lower() == '.toml' else 'JSON'}: {error}.") from error


def refusal(file: Path, invalid: Invalid) -> Refusal:
    """What is wrong with the description, a line for each place."""
    return Refusal("\n".join(f"{file}: {place}: {text}" for place, text in invalid.errors.items()))


def differences(server: ServerIn, settings: Settings) -> Iterator[str]:
    """Sentences about what the description expects of the server and the settings have otherwise."""
    compared = (
        _Compared(server.time_zone, settings.time_zone, "ARGUS_TIME_ZONE"),
        _Compared(server.media_plugins and sorted(server.media_plugins), sorted(settings.media), "ARGUS_MEDIA"),
        _Compared(server.token_lifetime_days, settings.auth_token_expires_after_days, "AUTH_TOKEN_EXPIRES_AFTER_DAYS"),
        _Compared(server.send_notifications, settings.send_notifications, "ARGUS_SEND_NOTIFICATIONS"),
        _Compared(server.ticket_plugin, settings.ticket_system, "ARGUS_TICKET_SYSTEM"),
    )
    for one in compared:
        if one.expected is not None and one.expected != one.found:
            yield f"the file expects {one.what} to be {_spelled(one.expected)}, the setting is {_spelled(one.found)}."
    if server.incidents_deletable_via_api:
        yield "the file expects that incidents can be deleted through the API, they cannot."


def world_json(description: Description, applied: Applied) -> bytes:
    """Numbers, passwords and tokens of all that the description names, as the conformance runner takes them."""
    actors = {
        user.called: {
            "pk": applied.users[user.called].id,
            "username": user.username,
            "password": user.password,
            "token": applied.keys.get(user.called),
        }
        for user in description.users
    }
    sources = {source.name: {"pk": source.id, "name": source.name, "type": source.type} for source in applied.sources}
    return json.dumps({"actors": actors, "sources": sources}, indent=2, ensure_ascii=False).encode() + b"\n"


def check_tellable(description: Description) -> None:
    """
    Check that a world file can tell of everything, and the sources apart.

    Raises:
        Refusal: a text is none, or sources of two types have one name.
    """
    for number, user in enumerate(description.users):
        for field, text in (("actor", user.called), ("password", user.password or "")):
            if _is_no_text(text):
                raise Refusal(f"users[{number}].{field}: The file that --out writes cannot hold lone surrogates.")
    names = [source.name for source in description.sources]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f'Two sources are called "{name}", and the file that --out writes knows them by name only.')


@contextmanager
def written(file: Path) -> Iterator[Callable[[bytes], None]]:
    """
    Write a file that only its owner may read, whole or not at all.

    It is tried at once: that it cannot be written shows before anything is done. What is written is on the disk when that returns, and
    under its name after the block, unless that fails.

    Raises:
        Refusal: it cannot be written.
    """
    with _explained(file):
        if file.exists() and not file.is_file():
            raise Refusal(f"{file} is no ordinary file.")
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    os.close(descriptor)
    temporary = Path(name)

    def write(content: bytes) -> None:
        with _explained(file):
            temporary.write_bytes(content)
            sync(temporary)

    try:
        yield write
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    try:
        temporary.replace(file)
    except OSError as error:  # nobody could make what it tells again
        raise Refusal(
            f"Everything is done, but {file} cannot be written: {error.strerror}. What it was to tell is in {temporary}."
        ) from error


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}.") from error


def _is_no_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _wanted_user(user: UserIn) -> WantedUser:
    return WantedUser(
        actor=user.called,
        username=user.username,
        password=user.password,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        active=user.is_active,
        staff=user.is_staff,
        superuser=user.is_superuser,
        token=None if user.token is None else WantedToken(user.token),
        scope=Scope(user.scope),
    )


def _placed(problem: str) -> str:
    """The problem as msgspec tells it, its place first, and a guess at what an unknown field should have been."""
    from difflib import get_close_matches

    text, _, place = problem.partition(" - at ")
    place = place.strip("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `(.*)`", text)
    if unknown:
        known = _SHAPES[re.split(r"[.\[]", place)[0]].__struct_fields__
        close = get_close_matches(unknown[1], known, n=1)
        text = f"There is no {unknown[1]} here" + (f"; is it {close[0]}?" if close else f", but {', '.join(known)}.")
    return f"{place}: {text}" if place else text


def _spelled(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
