"""
The expression of a filter as a form: a tree of groups and clauses, which grows and shrinks by buttons.

A node has a path, `e.0.2`, and its fields have names that begin with it: `e.0.2.kind`, `e.0.2.value`. The root is a group.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from adapters.web.forms import Form, number_in
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import DEPTH, parse, written
from argus_core.domain.filters import All, Condition, Either, Not
from argus_core.domain.limits import Json

ROOT = "e"
GROUPS: Mapping[str, str] = {"all": "all of these", "any": "at least one of these", "none": "none of these"}
CLAUSES: Mapping[str, str] = {
    "open": "open",
    "closed": "closed",
    "acked": "acknowledged",
    "stateful": "stateful (has an end)",
    "ticket": "with a ticket",
    "maxlevel": "level",
    "tags": "tags",
    "sources": "source",
    "sourceTypes": "type of source",
    "eventTypes": "what happens",
    "text": "text",
    "minDuration": "open for so long",
}
SWITCHES = ("open", "closed", "acked", "stateful", "ticket")
_SWITCHED = tuple(parse({name: True}) for name in SWITCHES)
_MOST_PARTS = 256


@dataclass(frozen=True, slots=True)
class Node:
    """A group with parts, or a clause with what was typed into it; of a switch that is `yes` or `no`."""

    kind: str
    values: tuple[str, ...] = ()
    parts: "tuple[Node, ...]" = ()

    @property
    def is_group(self) -> bool:
        """Whether it has parts."""
        return self.kind in GROUPS

    @property
    def value(self) -> str:
        """What was typed, if that is one thing."""
        return self.values[-1] if self.values else ""

    def named(self, path: str = ROOT) -> Iterator[tuple[str, str]]:
        """The fields that describe it."""
        yield f"{path}.kind", self.kind
        for value in self.values:
            yield f"{path}.value", value
        for number, part in enumerate(self.parts):
            yield from part.named(f"{path}.{number}")


EMPTY = Node("all")


def fields_of(tree: Node) -> Mapping[str, Sequence[str]]:
    """The fields that describe a tree, as those of a form."""
    fields: dict[str, list[str]] = {}
    for name, value in tree.named():
        fields.setdefault(name, []).append(value)
    return fields


def node_of(condition: Condition | None) -> Node:
    """The form of an expression."""
    if condition is None:
        return EMPTY
    node = _node(condition)
    return node if node.kind == "all" else Node("all", parts=(node,))


def read(form: Form) -> Node:
    """What the form says, whether or not that makes sense."""
    return _read(form, ROOT, DEPTH)


def after(node: Node, form: Form) -> Node:
    """The tree after a button in it was pressed: a clause or a group more, or something less."""
    what, _, path = form.get("do").partition(":")
    steps = [number_in(step) for step in path.split(".")[1:]]
    if what == "add":
        kind = form.get(f"{path}.add")
        if kind in GROUPS or kind in CLAUSES:
            return _changed(node, steps, lambda group: replace(group, parts=(*group.parts, Node(kind))[:_MOST_PARTS]))
    if what == "drop" and steps:
        *above, last = steps
        return _changed(node, above, lambda group: replace(group, parts=(*group.parts[:last], *group.parts[last + 1 :])))
    return node


def condition_of(node: Node) -> Condition | None:
    """
    The expression; None when there is nothing in the form.

    Raises:
        Invalid: the keys are paths of nodes.
    """
    if not node.parts:
        return None
    problems: dict[str, str] = {}
    condition = _condition(node, ROOT, problems)
    if problems:
        raise Invalid(problems)
    while isinstance(condition, All) and len(condition.of) == 1:
        condition = condition.of[0]
    try:
        return parse(cast("Json", written(condition)))
    except Invalid as error:
        raise Invalid({ROOT: " ".join(error.errors.values())}) from None


def _node(condition: Condition) -> Node:
    match condition:
        case All(of):
            return Node("all", parts=tuple(map(_node, of)))
        case Either(of):
            return Node("any", parts=tuple(map(_node, of)))
        case Not(Either(of)):
            return Node("none", parts=tuple(map(_node, of)))
        case Not(part) if part not in _SWITCHED:
            return Node("none", parts=(_node(part),))
        case _:
            return _leaf(written(condition))


def _leaf(clause: Mapping[str, Json]) -> Node:
    ((kind, value),) = clause.items()
    if kind in SWITCHES:
        return Node(kind, ("yes" if value else "no",))
    values = tuple(map(str, value)) if isinstance(value, list) else (str(value),)
    return Node(kind, ("\n".join(values),) if kind == "tags" else values)


def _read(form: Form, path: str, depth: int) -> Node:
    kind = form.get(f"{path}.kind")
    if kind in CLAUSES:
        return Node(kind, tuple(form.all(f"{path}.value")))
    numbers = sorted({number for name in form.under(f"{path}.") if (number := _step(name)) is not None}) if depth else []
    parts = (_read(form, f"{path}.{number}", depth - 1) for number in numbers[:_MOST_PARTS])
    return Node(kind if kind in GROUPS else "all", parts=tuple(parts))


def _step(name: str) -> int | None:
    step, dot, _ = name.partition(".")
    return int(step) if dot and step.isascii() and step.isdigit() and len(step) < 4 else None  # noqa: PLR2004 - there are no thousand parts


def _changed(node: Node, steps: Sequence[int], change: Callable[[Node], Node]) -> Node:
    if not steps:
        return change(node) if node.is_group else node
    first, *rest = steps
    if first >= len(node.parts):
        return node
    part = _changed(node.parts[first], rest, change)
    return replace(node, parts=(*node.parts[:first], part, *node.parts[first + 1 :]))


def _condition(node: Node, path: str, problems: dict[str, str]) -> Condition:
    if not node.is_group:
        return _clause(node, path, problems)
    if not node.parts:
        problems[path] = "Put something into this group, or remove it."
    parts = tuple(_condition(part, f"{path}.{number}", problems) for number, part in enumerate(node.parts))
    match node.kind:
        case "any":
            return Either(parts)
        case "none":
            # One alone needs no group; but a group in it has to be told from this one when the form is made again.
            return Not(parts[0]) if len(parts) == 1 and not isinstance(parts[0], Either) else Not(Either(parts))
        case _:
            return All(parts)


def _clause(node: Node, path: str, problems: dict[str, str]) -> Condition:
    try:
        return parse({node.kind: _json(node)})
    except Invalid as error:
        problems[path] = " ".join(dict.fromkeys(error.errors.values()))
        return All(())


def _json(node: Node) -> Json:
    match node.kind:
        case "maxlevel" | "minDuration":
            return number_in(node.value)
        case "tags":
            return [line.strip() for line in node.value.splitlines() if line.strip()]
        case "sources":
            return [number_in(value) for value in node.values]
        case "sourceTypes" | "eventTypes":
            return list(node.values)
        case "text":
            return node.value.strip()
        case _:
            return node.value != "no"
