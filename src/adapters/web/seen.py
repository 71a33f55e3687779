"""What a form was made from: it says so when it is sent, so that a page from before undoes nothing that was set meanwhile."""

import json
from dataclasses import replace
from hashlib import blake2b

from adapters.web.forms import Form

FIELD = "seen"
_CHANGED = "Somebody has changed this meanwhile, so it is not kept yet."
_BYTES = 16


class ChangedMeanwhile(Exception):
    """What the form is about is not any more what it was made from; `form` is the same, made from what is there now."""

    def __init__(self, form: Form) -> None:
        super().__init__(_CHANGED)
        self.form = form


def mark(form: Form) -> str:
    """What the form shows, in short; neither the order matters, nor what is empty."""
    filled = {name: sorted(filter(None, values)) for name, values in form.values.items()}
    shown = sorted((name, values) for name, values in filled.items() if values)
    return blake2b(json.dumps(shown).encode(), digest_size=_BYTES).hexdigest()


def marked(present: Form) -> Form:
    """The form as it describes what is there, and says so when it is sent."""
    return replace(present, values={**present.values, FIELD: [mark(present)]})


def check(form: Form, present: Form, wanted: Form, where: str) -> None:
    """
    Let through a form that was made from what is `present` or does not say from what, and one that would change nothing: it is sent twice.

    Raises:
        ChangedMeanwhile: somebody was faster; what they have set is shown at the address `where`.
    """
    now = mark(present)
    if form.get(FIELD) not in ("", now) and mark(wanted) != now:
        raise ChangedMeanwhile(replace(form, values={**form.values, FIELD: [now]}, problems={"": _CHANGED}, newer=where))
