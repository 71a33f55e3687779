"""`argus` itself, and where its commands are."""

from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword

import click

from adapters.cli.doing import Group

# In the order of the help.
WHERE = {
    "serve": "running",
    "demo": "demo",
    "worker": "running",
    "migrate": "upkeep",
    "backup": "recovering",
    "restore": "recovering",
    "upgrade-data": "recovering",
    "settings": "upkeep",
    "health": "running",
    "version": "upkeep",
    "user": "accounts",
    "source": "accounts",
    "token": "accounts",
    "apply": "applying",
    "audit": "audit",
    "import": "importing",
    "deliveries": "deliveries",
    "prune": "deliveries",
}


class Argus(Group):
    """Imports the one command that was typed: `argus serve` has no time to lose."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        """See click."""
        return [name for name, module in WHERE.items() if find_spec(f"adapters.cli.{module}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"adapters.cli.{WHERE[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_"))
        return command


@click.group(cls=Argus, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def argus() -> None:
    """
    Argus gathers incidents from monitoring systems, keeps their history and tells the right people.

    \b
    argus serve                                 start the server; without DATABASE_URL it brings its own PostgreSQL
    argus user create alice --superuser         make somebody who can log in
    argus source create oslo --type nav         make a source that can report, and print its token

    Settings come from the environment or from argus.toml, `argus settings` shows them. `argus COMMAND --help` tells more.
    """
