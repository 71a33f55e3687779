"""What a demo says when it is ready: where it is, who may come in, and what to try."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.demo.installation import Remembered
from adapters.demo.people import PEOPLE

OPERATOR = "ingrid"
SOURCE = "nav-south"


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Everything it takes: `try_on` is the number of an open incident, `now` the moment that a new one starts at."""

    address: str
    data: Path
    remembered: Remembered
    try_on: int
    now: datetime

    def text(self) -> str:
        """Some lines to read, and three to paste."""
        tokens = self.remembered.tokens
        label = f"{{:<{max(len(OPERATOR), len(SOURCE)) + 11}}}".format
        lines = [
            "",
            f"  {label('Argus')}{self.address}",
            f"  {label('Mailbox')}{self.address}demo/mailbox/",
            f"  {label('Data')}{self.data}",
            f"  {label('Log in as')}{_people()}",
            f"  {label('Password')}{self.remembered.password}",
            f"  {label(f'Token of {OPERATOR}')}{tokens[OPERATOR]}",
            f"  {label(f'Token of {SOURCE}')}{tokens[SOURCE]}",
            "",
            f"  See what nobody takes care of, report something as {SOURCE}, acknowledge what has just been reported:",
            "",
            *self.commands(),
            "",
            "  The network goes on until Ctrl-C.",
            "",
        ]
        return "\n".join(lines)

    def commands(self) -> tuple[str, str, str]:
        """List what is open and not acknowledged, report an incident, acknowledge one."""
        incidents = f"{self.address}api/v2/incidents/"
        new = {
            "start_time": self.now.isoformat(timespec="seconds"),
            "end_time": "infinity",
            "source_incident_id": "",
            "level": 2,
            "description": "oslo-sw1 is on fire",
            "tags": [{"tag": "host=oslo-sw1.fjordnett.example"}, {"tag": "location=Oslo"}, {"tag": "problem_type=onFire"}],
        }
        ack = {"description": "The fire brigade is on its way"}
        return (
            self._curl(OPERATOR, f"{incidents}?open=true&acked=false&page_size=5"),
            self._curl(SOURCE, incidents, new),
            self._curl(OPERATOR, f"{incidents}{self.try_on}/acks/", ack),
        )

    def _curl(self, who: str, url: str, body: Mapping[str, object] | None = None) -> str:
        parts = ["curl", "-sS", "-H", f"Authorization: Token {self.remembered.tokens[who]}"]
        if body is not None:
            parts += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return shlex.join([*parts, url])


def _people() -> str:
    """Everybody, by what they may do."""
    groups = (
        ("superuser", [person.username for person in PEOPLE if person.superuser]),
        ("staff", [person.username for person in PEOPLE if person.staff and not person.superuser]),
        ("", [person.username for person in PEOPLE if not person.staff]),
    )
    return "; ".join(f"{', '.join(names)} ({role})" if role else ", ".join(names) for role, names in groups)
