"""What processes cost and how busy the machine is, as /proc tells it."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
ROLES = {"asgi": "HTTP"}
TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int, proc: Path = PROC) -> set[int]:
    """The process and all that descend from it."""
    children = defaultdict(set)
    for entry in proc.iterdir():
        if entry.name.isdigit() and (stat := _stat(entry)):
            children[int(stat[1])].add(int(entry.name))
    found, todo = set(), [root]
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children[pid] - found
    return found


def cpu_seconds(root: int, proc: Path = PROC) -> float:
    """What this process and its descendants have used so far, those that have ended included."""
    stats = (_stat(proc / str(pid)) for pid in tree(root, proc))
    return sum(int(ticks) for stat in stats if stat for ticks in stat[11:15]) / TICKS


def memory(root: int, proc: Path = PROC) -> dict[str, float]:
    """The memory of this process and its descendants by what they do, in MB; what several share is divided among them (PSS)."""
    found: dict[str, float] = defaultdict(float)
    for pid in tree(root, proc):
        try:
            words = (proc / str(pid) / "cmdline").read_bytes().decode().split("\0")
            lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        role = words[words.index("adapters") + 1] if "adapters" in words else "supervisor"
        found[ROLES.get(role, role)] += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return dict(found)


@dataclass(frozen=True, slots=True)
class Machine:
    """Seconds that all processors together have worked, and have been there, since the machine started."""

    busy: float
    total: float

    @classmethod
    def now(cls, proc: Path = PROC) -> "Machine":
        with (proc / "stat").open() as lines:
            ticks = [int(field) for field in next(lines).split()[1:9]]
        total = sum(ticks)
        return cls((total - ticks[3] - ticks[4]) / TICKS, total / TICKS)

    def busy_since(self, earlier: "Machine") -> float:
        """The share of the time between both in which the processors worked, 0 to 1."""
        return (self.busy - earlier.busy) / max(self.total - earlier.total, 1e-9)


def _stat(process: Path) -> list[str]:
    """The fields after the name: state, parent, …; nothing for one that is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
