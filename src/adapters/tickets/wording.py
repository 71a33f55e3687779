"""How an incident reads as a ticket."""

from datetime import datetime

from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident

MOST_TITLE = 200
"""Request Tracker has no room for more; the others have a little."""
MOST_FACTS = 30_000
"""Jira takes 32,767 characters, and some are added here."""
_CUT = "…"


def title(incident: Incident) -> str:
    """The first line of the description, or what else identifies the incident."""
    first = next((line for line in incident.description.splitlines() if line.strip()), "")
    return _cut(" ".join(first.split()) or f"Incident {incident.id} from {incident.source.name}", MOST_TITLE)


def facts(incident: Incident, *, actor: Actor) -> str:
    """What whoever gets the ticket has to know, as plain text."""
    known = {
        "Level": f"{incident.level.value} ({incident.level.name.lower()})",
        "Source": f"{incident.source.name} ({incident.source.type})",
        "Known there as": incident.source_incident_id,
        "Started": _moment(incident.start_time),
        "Ended": _moment(incident.end_time) if incident.end_time else "",
        "Tags": ", ".join(tag.tag for tag in incident.tags),
        "Details": incident.details_url,
        "Ticket made by": actor.username,
    }
    listed = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in known.items() if value)
    described = "\n".join(incident.description.splitlines()).strip("\n")
    # The facts are short but for the tags, so a long description is cut rather than they.
    room = max(MOST_FACTS - len(listed) - 2, MOST_FACTS // 2)
    return _cut("\n\n".join(part for part in (_cut(described, room), listed) if part), MOST_FACTS)


def reference(incident: Incident, link: str) -> str:
    """Where the ticket comes from."""
    return f"Incident {incident.id} in Argus: {link}" if link else f"Incident {incident.id} in Argus"


def markdown(text: str) -> str:
    """The text as Markdown that shows it as it is: nobody is mentioned, nothing is run, no picture is fetched."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT
