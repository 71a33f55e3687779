"""Forms: what somebody has filled in, with several values under one name, and what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.web.guests import Guest, Guests, PageRequest

_BIGGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Form:
    """
    The values by the name of their field; `problems` are sentences by field, or under the empty name.

    `newer` is the address of what somebody else has set since the form was made, if that is what is wrong.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    newer: str = ""

    @property
    def status(self) -> int:
        """That of a page which shows it."""
        return 409 if self.newer else 400 if self.problems else 200

    def get(self, name: str, otherwise: str = "") -> str:
        """The last value, as it was typed."""
        return [otherwise, *self.values.get(name, ())][-1]

    def text(self, name: str) -> str:
        """The last value without blanks around it, and with lines that end as everywhere but in forms."""
        return self.get(name).replace("\r\n", "\n").strip()

    def all(self, name: str) -> Sequence[str]:
        """All values."""
        return self.values.get(name, ())

    def lines(self, name: str) -> list[str]:
        """What is in each line that is not blank."""
        return [line.strip() for line in self.get(name).splitlines() if line.strip()]

    def ids(self, name: str) -> list[int]:
        """The values that are numbers of things."""
        return [number for text in self.all(name) if (number := number_in(text))]

    def has(self, name: str) -> bool:
        """Whether there is such a field; a box that is not ticked is none."""
        return name in self.values

    def wrong(self, problems: Mapping[str, str]) -> "Form":
        """The same, with what is wrong with it."""
        return replace(self, problems=problems)

    def under(self, prefix: str) -> Iterable[str]:
        """The names that begin so, without it."""
        return (name.removeprefix(prefix) for name in self.values if name.startswith(prefix))


async def filled_in(request: PageRequest, guests: Guests, guest: Guest) -> Form:
    """
    What was filled in on a page that we showed to this browser.

    Raises:
        Forbidden: see `Guests.form`.
    """
    await guests.form(request, guest)
    values: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(value)
    return Form(values)


def number_in(text: str) -> int:
    """The number that the text is, if there can be a thing with it; else 0, and there is none."""
    plain = text.strip()
    return pk_in(int(plain)) if plain.isascii() and plain.isdigit() and len(plain) <= len(str(_BIGGEST)) else 0


def pk_in(number: int) -> int:
    """The number, as a path has it, if there can be a thing with it; else 0, and there is none."""
    return number if 0 <= number <= _BIGGEST else 0
