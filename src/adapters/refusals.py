"""What a command cannot do, in one sentence for whoever typed it."""


class Refusal(Exception):
    """The message says what is wrong and what to do about it."""
