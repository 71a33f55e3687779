"""Tags: `key=value` on an incident, and who added them when."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from argus_core.domain.errors import Invalid
from argus_core.domain.ids import UserId
from argus_core.domain.limits import TAG_BYTES, text_problem

_KEY = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Tag:
    """One `key=value`; the value may be empty and may itself hold `=`."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Tag":
        """
        Split at the first `=` and trim both sides.

        Raises:
            Invalid: under `tag`: no delimiter, a bad key, or too long.
        """
        key, delimiter, value = text.partition("=")
        if not delimiter:
            raise Invalid({"tag": "The tag does not have its delimiter: =."})
        key, value = key.strip(), value.strip()
        if not _KEY.fullmatch(key):
            raise Invalid({"tag": f'The key "{key}" is not valid: use lower case letters, digits and underscores.'})
        if problem := text_problem(f"{key}={value}", TAG_BYTES):
            raise Invalid({"tag": problem})
        return cls(key, value)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class TagOn:
    """A tag on an incident, as `key=value`, with who added it when."""

    tag: str
    added_by: UserId
    added_time: datetime


def tags_said(tags: Iterable[str]) -> str | None:
    """Tags as lists are asked for them, separated by commas; None when that cannot say one of them."""
    named = list(tags)
    return ",".join(named) if all(map(_is_askable, named)) else None


def _is_askable(tag: str) -> bool:
    try:
        parsed = Tag.parse(tag)
    except Invalid:
        return False
    return bool(parsed.value) and "," not in tag and str(parsed) == tag
