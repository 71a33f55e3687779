"""
How a notification becomes a text message.

A message is at most two that phones put together again: 306 characters of the old alphabet of phones, or 134 if it needs any other.
"""

import re

MOST_SIMPLE = 306
MOST_OTHER = 134

# GSM 03.38: one place each, and those that take two.
SIMPLE = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
TWO_PLACES = frozenset("^{}\\[~]|€\f")
_PLAIN = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{HORIZONTAL ELLIPSIS}": "...",
    },
)
_DOTS = "..."


def shortened(subject: str, text: str, link: str) -> str:
    """
    Subject, text and link as one short message.

    When there is not enough room the text is cut first, then the subject; the link, which leads to the rest, stays whole or away.
    """
    subject, text = _tidy(subject), _tidy(text.replace(link, " ") if link else text)
    if text.startswith(subject):
        text = text.removeprefix(subject).strip()
    if _fits(" ".join(part for part in (subject, text, link) if part)):
        return "\n".join(part for part in (subject, text, link) if part)
    most = _most((subject + text)[:MOST_SIMPLE] + link)
    if link and _places(link, most) > most // 2:
        link = ""
    room = most - _places(link, most) - bool(link)
    subject = _cut(subject, room, most)
    text = _cut(text, room - _places(subject, most) - 1, most)
    return "\n".join(part for part in (subject, text, link) if part)


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_PLAIN)).strip()


def _most(text: str) -> int:
    return MOST_SIMPLE if set(text) <= SIMPLE | TWO_PLACES else MOST_OTHER


def _places(text: str, most: int) -> int:
    """How much room the text takes in a message of that kind."""
    if most == MOST_OTHER:
        return len(text.encode("utf-16-le", errors="replace")) // 2
    return sum(2 if character in TWO_PLACES else 1 for character in text)


def _fits(text: str) -> bool:
    most = _most(text)
    return _places(text, most) <= most


def _cut(text: str, room: int, most: int) -> str:
    """As much of the text as there is room for, if possible up to the end of a word."""
    if _places(text, most) <= room:
        return text
    kept = text[: max(room, 0)]
    while kept and _places(kept, most) > room - len(_DOTS):
        kept = kept[:-1]
    words = kept.rpartition(" ")[0]
    kept = words if len(words) > len(kept) // 2 else kept
    return f"{kept.rstrip()}{_DOTS}" if kept else ""
