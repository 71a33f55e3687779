"""
Whom the server runs as: PostgreSQL refuses to run as root, and initdb wants a user with a name.

- An ordinary user: as that user.
- Root, and a folder of somebody else's: as that owner, who can then go on without root.
- Root: inside a user namespace that calls root `nobody`; it needs no account, no chown and no reachable path.
- Root where namespaces are forbidden (most containers): as the user `argus`, else `nobody`, who is given the folder. When a private folder
  such as /root lies on the way, with the one capability that opens it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from adapters.db.embedded import errors

if sys.platform != "win32":
    import pwd

ROOT = 0
PREFERRED = ("argus", "nobody")


class Credentials(TypedDict, total=False):
    """What `Popen` takes to switch users."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom processes of the server run as, and how they get there."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    switch: bool = False

    def credentials(self) -> Credentials:
        return Credentials(user=self.uid, group=self.gid, extra_groups=()) if self.switch else Credentials()


def account_for(folder: Path, owner: int) -> Account:
    """
    Choose the account for the data in a folder that has this owner.

    Raises:
        NoAccount: this user cannot run PostgreSQL and cannot become anybody else.
    """
    here = Account(uid=os.geteuid(), gid=os.getegid())
    if here.uid != ROOT and _is_named(here.uid):
        return here
    if here.uid == ROOT and owner != ROOT:
        return _switched(owner)
    unprivileged = _unprivileged(folder)
    namespace = ("unshare", "--user", f"--map-user={unprivileged.pw_uid}", "--")
    if _works(namespace):
        return replace(here, prefix=namespace)
    if here.uid != ROOT:
        raise errors.NoAccount(folder, user=f"user {here.uid}, who has no name")
    return _switched(unprivileged.pw_uid)


def reaching(account: Account, folder: Path, *paths: Path) -> Account:
    """
    The same account, able to get to these paths.

    Raises:
        NotReachable: private folders lie on the way, and they cannot be opened for it.
        NoAccount: root may not become anybody else here.
    """
    if not account.switch:
        return account
    test = " && ".join(f'test -x "${n}"' for n in range(1, len(paths) + 1))
    try:
        reach = subprocess.run(["sh", "-c", test, "sh", *paths], check=False, cwd="/", **account.credentials())  # noqa: S603, S607 - fixed words, paths as arguments
    except PermissionError as refused:
        raise errors.NoAccount(folder, user="root") from refused
    if reach.returncode == 0:
        return account
    capability = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--no-new-privs")
    prefix = ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", *capability, "--")
    if not _works(prefix):
        raise errors.NotReachable(folder, user=account_name(account.uid))
    return replace(account, prefix=prefix, switch=False)


def account_name(uid: int) -> str:
    """The name of a user, or the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_named(uid: int) -> bool:
    return account_name(uid) != str(uid)


def _switched(uid: int) -> Account:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = uid
    return Account(uid=uid, gid=gid, switch=True)


def _unprivileged(folder: Path) -> "pwd.struct_passwd":
    entries = [entry for entry in pwd.getpwall() if entry.pw_uid not in (ROOT, os.geteuid())]
    preferred = [entry for name in PREFERRED for entry in entries if entry.pw_name == name]
    for entry in (*preferred, *entries):
        return entry
    raise errors.NoAccount(folder, user="root" if os.geteuid() == ROOT else f"user {os.geteuid()}, who has no name")


def _works(prefix: Sequence[str]) -> bool:
    """Whether a harmless command starts that way."""
    try:
        return subprocess.run([*prefix, "true"], check=False, cwd="/", capture_output=True).returncode == 0  # noqa: S603 - fixed words and numbers
    except FileNotFoundError:
        return False
