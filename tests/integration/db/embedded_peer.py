"""Another process that uses an embedded server, told on its input what to do: `join`, `leave`; it answers with the server's pid."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import psycopg

from adapters.db.embedded import EmbeddedError, accounts, running

signal.signal(signal.SIGINT, signal.SIG_IGN)
folder, only_setuid, user = sys.argv[1:]
if only_setuid:
    works = accounts._works
    accounts._works = lambda prefix: prefix[0] != "unshare" and works(prefix)
if user:  # only now: the interpreter may lie in a private folder
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
stack = ExitStack()


def answer(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 - this is how it talks


answer("here")
for line in sys.stdin:
    match line.split():
        case ["join"]:
            try:
                server = stack.enter_context(running(Path(folder), fast=True))
            except EmbeddedError as error:
                answer(type(error).__name__, error)
            else:
                answer(server.pid)
        case ["insert", number]:
            with psycopg.connect(server.url) as connection:
                connection.execute("create table if not exists witness (number int)")
                connection.execute("insert into witness values (%s)", [int(number)])
            answer("committed")
        case ["leave"]:
            stack.close()
            answer("gone")
