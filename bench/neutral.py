"""
Write a neutral data set: users, sources, incidents of two years with their events and acknowledgements, and notification profiles.

    python -m bench.neutral OUT --incidents 1000000

docs/importing.md describes the files. Everything follows from the numbers of the lines, so the same arguments give the same bytes anywhere.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

DAYS = 730
SOURCES, OPERATORS = 16, 8
MATCHING = 20  # the first profiles match an incident of the first source that carries NOTIFY_TAG, no others do
NOTIFY_TAG = "notify=bench"
MANY = 20  # the first incidents are open, and have many events
MANY_EVENTS = 50
OPERATOR, ROBOT, ON_CALL, OWNED = 1000, 2000, 5000, 50000  # where ids begin
OPEN_LATELY, OPEN_BEFORE, LATELY, STATELESS = 0.255, 0.005, 0.98, 0.99
TICKET_CHANCE = 20  # in 256
SECOND = 1_000_000  # all times are in microseconds
DAY = 86400 * SECOND
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - an offset is written behind it
NMS, TICKETS = "https://nms.example.org", "https://tickets.example.org"
# fmt: off
PROBLEMS = ("linkDown", "bgpDown", "boxDown", "moduleDown", "psuFailure", "fanFailure", "cpuLoad", "memory", "diskFull", "certExpiry",
            "ospfDown", "isisDown", "bfdDown", "temperature", "opticalPower", "httpError", "dnsFailure", "ntpDrift", "backupFailed",
            "latency", "packetLoss", "jitter", "raidDegraded", "upsOnBattery", "configDrift", "licenseExpiry", "queueFull",
            "replicationLag", "serviceDown", "sensorAlarm")
# fmt: on
FAMILIES = {
    "host": (8000, lambda n: f"sw{n % 97:02d}-{n:05d}.net.example.org"),
    "object": (4000, lambda n: f"ge-{n % 8}/{n // 8 % 4}/{n // 32}"),
    "location": (200, lambda n: f"site-{n:03d}"),
    "customer": (500, lambda n: f"customer-{n:03d}"),
    "problem_type": (len(PROBLEMS), PROBLEMS.__getitem__),
}
TAGS = [(key, value(n)) for key, (count, value) in FAMILIES.items() for n in range(count)]
FIRST = {key: TAGS.index((key, value(0))) + 1 for key, (_, value) in FAMILIES.items()}


def mixed(number: int, salt: int) -> int:
    """64 bits that look random (splitmix64)."""
    most = (1 << 64) - 1
    bits = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & most
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & most
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & most
    return bits ^ (bits >> 31)


def iso(moment: int) -> str:
    return (EPOCH + moment * timedelta(microseconds=1)).isoformat(timespec="microseconds") + "+00:00"


def token(name: str) -> str:
    return hashlib.sha1(f"bench-token-{name}".encode()).hexdigest()


def host(number: int) -> str:
    return TAGS[FIRST["host"] - 1 + number][1]


@dataclass
class Lines:
    """Those of one incident, and of it what is counted."""

    incident: str
    tags: str
    events: list[str] = field(default_factory=list)
    acks: list[str] = field(default_factory=list)
    open: bool = False


class History:
    """So many incidents until a moment, evenly spread, and how many of what kind there were."""

    def __init__(self, incidents: int, until: datetime) -> None:
        self.incidents = incidents
        self.begins = int((until - timedelta(days=DAYS)).timestamp() * SECOND)
        self.open = self.unacked = self.events = self.acks = 0

    def lines(self) -> Iterator[Lines]:
        for number in range(1, self.incidents + 1):
            lines = self._incident(number)
            self.open += lines.open
            self.unacked += lines.open and not lines.acks
            self.events += len(lines.events)
            self.acks += len(lines.acks)
            yield lines

    def _incident(self, number: int) -> Lines:
        one, other = mixed(number, 1), mixed(number, 2)
        step = DAYS * DAY // self.incidents
        start = self.begins + (number - 1) * step + one % step
        source, name, problem = 1 + other % SOURCES, (other >> 8) % FAMILIES["host"][0], (other >> 24) % len(PROBLEMS)
        robot, many = ROBOT + source, number <= MANY
        chance = (one >> 32) / (1 << 32)
        is_open = many or chance < (OPEN_LATELY if number > int(self.incidents * LATELY) else OPEN_BEFORE)
        stateless = not is_open and chance > STATELESS
        end = None if is_open or stateless else start + int(60 * SECOND * 4320 ** ((other >> 12 & 0xFFFFF) / 0xFFFFF))
        acked = not many and (other >> 48) % 100 < (30 if is_open else 40)
        text = f"{PROBLEMS[problem]} on {host(name)}: alarm {number} raised by poller {one % 31}"

        happened = [(robot, start, "LES" if stateless else "STA", text)]
        if many:
            happened += [(robot, start + (n + 1) * SECOND, "OTH", f"progress report {n} on alarm {number}") for n in range(MANY_EVENTS - 1)]
        if acked:
            happened.append((OPERATOR + one % OPERATORS, start + 30 * SECOND, "ACK", "looking into it"))
        if end is not None:
            happened.append((robot, end, "END", "alarm cleared"))

        ends = "infinity" if is_open else "" if end is None else iso(end)
        ticket = f"{TICKETS}/{number}" if one >> 56 < TICKET_CHANCE else ""
        told = "".join(f" {said}" for *_, said in happened)
        level = 1 + (other >> 40) % 5
        key, details = f"{source}-{number:09d}", f"{NMS}/alarm/{number}"
        numbers = {
            "host": name,
            "object": (one >> 20) % FAMILIES["object"][0],
            "location": name % FAMILIES["location"][0],
            "customer": name * 7 % FAMILIES["customer"][0],
            "problem_type": problem,
        }
        lines = Lines(
            incident=f"{number},{iso(start)},{ends},{source},{key},{details},{text},{level},{ticket},{told},{{}}\n",
            tags="".join(f"{number},{FIRST[family] + n},{robot},{iso(start)}\n" for family, n in numbers.items()),
            open=is_open,
        )
        for id_, (actor, at, type_, said) in enumerate(happened, self.events + 1):
            lines.events.append(f"{id_},{number},{actor},{iso(at)},{iso(at)},{type_},{said}\n")
            if type_ == "ACK":
                lines.acks.append(f"{id_},\n")
        return lines


def world(history: History, anchor: str) -> dict[str, object]:
    """Who there is, and what is worth asking."""
    operators = [
        {"id": OPERATOR + n, "username": f"operator{n}", "token": token(f"operator{n}"), "superuser": False} for n in range(OPERATORS)
    ]
    admin = {"id": OPERATOR + 99, "username": "benchadmin", "token": token("benchadmin"), "superuser": True}
    names = {n: f"source{n:02d}" for n in range(1, SOURCES + 1)}
    return {
        "dataset": {
            "incidents": history.incidents,
            "open": history.open,
            "open_unacked": history.unacked,
            "events": history.events,
            "acks": history.acks,
            "tags": len(TAGS),
            "incident_tags": len(FAMILIES) * history.incidents,
            "anchor": anchor,
        },
        "users": [*operators, admin],
        "sources": [
            {
                "id": n,
                "name": name,
                "type": f"nms{n % 4}",
                "base_url": f"{NMS}/",
                "user_id": ROBOT + n,
                "username": name,
                "token": token(name),
            }
            for n, name in names.items()
        ],
        "ids": {"many_events": list(range(1, min(MANY, history.incidents) + 1))},
        "query": {
            "tag_rare": f"host={host(7)}",
            "tag_common": f"problem_type={PROBLEMS[0]}",
            "tags_and": f"problem_type={PROBLEMS[0]},location=site-007",
            "source_ids": "3,4,5",
            "level_lte": 2,
            "duration_gte": 60,
            "middle_time": iso(history.begins + DAYS * DAY // 2),
        },
        "matching_profiles": MATCHING,
        "notify_source": 1,
        "notify_tag": NOTIFY_TAG,
    }


def people(profiles: int) -> dict[str, list[dict[str, object]]]:
    """So many people with one profile each, by the file they are in."""
    files = {name: [] for name in ("profile_users", "timeslots", "destinations", "filters", "profiles")}
    for n in range(profiles):
        own, user = OWNED + n, ON_CALL + n
        address = f"oncall{n}@example.org"
        files["profile_users"].append({"id": user, "username": f"oncall{n}", "email": address})
        hours = {"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00:00", "end": "23:59:59.999999"}
        files["timeslots"].append({"id": own, "user_id": user, "name": "All the time", **hours})
        settings = {"email_address": address, "synced": False}
        files["destinations"].append({"id": own, "user_id": user, "media": "email", "label": f"mail {n}", "settings": settings})
        files["filters"].append({"id": own, "user_id": user, "name": f"filter {n}", "filter": _definition(n)})
        parts = {"timeslot": own, "filters": [own], "destinations": [own]}
        files["profiles"].append({"id": own, "user_id": user, "name": f"profile {n}", "active": True, **parts})
    return files


def _definition(number: int) -> dict[str, object]:
    if number < MATCHING:
        return {"sourceSystemIds": [1], "tags": [NOTIFY_TAG]}
    bits = mixed(number, 9)
    asked = {
        "sourceSystemIds": sorted({1 + bits % SOURCES, 1 + (bits >> 8) % SOURCES, 1}),
        "tags": [f"host={host((bits >> 16) % FAMILIES['host'][0])}"],
    }
    if number % 3 == 0:
        asked["maxlevel"] = 1 + (bits >> 32) % 5
    if number % 5 == 0:
        asked["open"] = True
    return asked


def write(folder: Path, *, incidents: int, profiles: int = 5000, anchor: str = "2026-11-20T00:00:00Z") -> dict[str, object]:
    """Write all files; gives what `world.json` says of their size."""
    folder.mkdir(parents=True, exist_ok=True)
    history = History(incidents, datetime.fromisoformat(anchor))
    _write(folder / "tags.csv", (f"{id_},{key},{value}\n" for id_, (key, value) in enumerate(TAGS, 1)))
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"{name}.csv").open("w")) for name in ("incidents", "incident_tags", "events", "acks")]
        for lines in history.lines():
            for file, texts in zip(files, ([lines.incident], [lines.tags], lines.events, lines.acks), strict=True):
                file.writelines(texts)
    found = world(history, anchor)
    (folder / "world.json").write_text(json.dumps(found, indent=1))
    for name, objects in people(profiles).items():
        _write(folder / f"{name}.jsonl", (json.dumps(one) + "\n" for one in objects))
    return found["dataset"]


def _write(file: Path, lines: Iterable[str]) -> None:
    with file.open("w") as opened:
        opened.writelines(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.neutral", description=__doc__.strip().splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--incidents", type=int, default=10_000, metavar="N", help="so many incidents (10000)")
    parser.add_argument("--profiles", type=int, default=5000, metavar="N", help="so many people with a profile each (5000)")
    parser.add_argument("--anchor", default="2026-11-20T00:00:00Z", metavar="MOMENT", help="when the two years end")
    options = parser.parse_args()
    print(json.dumps(write(options.out, incidents=options.incidents, profiles=options.profiles, anchor=options.anchor)))


if __name__ == "__main__":
    main()
