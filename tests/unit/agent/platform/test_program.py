from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.platform.program import program_name, shown_command


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python3 demo-server.py", "demo-server.py"),
        ("/usr/bin/python3.11 -u -X dev -W error /srv/app/run.py --port 1", "run.py"),
        ("python -m http.server 8000", "http.server"),
        ("python -mservices.querier", "services.querier"),
        ("python -c print(1)", "python"),
        ("python", "python"),
        (".venv/bin/python .venv/bin/uvicorn app:app", "uvicorn"),
        ("node --require ./x.js server.js", "server.js"),
        ("bash -c sleep 5", "bash"),
        ("/bin/sh /opt/start.sh", "start.sh"),
        ("java -Xmx1g -cp a.jar:b.jar com.example.Main arg", "Main"),
        ("java -jar /opt/app.jar", "app.jar"),
        ("nginx: master process /usr/sbin/nginx", "nginx"),
        ("-bash", "bash"),
        ("/usr/sbin/sshd -D", "sshd"),
        ("", "kname"),
    ],
)
def test_a_process_is_called_after_what_it_runs(command: str, name: str) -> None:
    arguments = command.split(" ") if not command.startswith("nginx:") else [command]
    assert program_name(arguments, "kname") == name


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["app", "--password", "hunter2", "-v"], "app --password *** -v"),
        (["app", "--api-key=abc", "API_TOKEN=abc"], "app --api-key=*** API_TOKEN=***"),
        (["psql", "postgres://me:hunter2@db/x"], "psql postgres://me:***@db/x"),
        (["nginx", "-g", "daemon off;"], "nginx -g daemon off;"),
    ],
)
def test_secrets_in_a_command_line_are_not_shown(arguments: list[str], shown: str) -> None:
    assert shown_command(arguments) == shown


@given(st.lists(st.text(max_size=20), max_size=6), st.text(min_size=1, max_size=15))
def test_any_arguments_have_a_name_and_a_bounded_command(arguments: list[str], kname: str) -> None:
    assert isinstance(program_name(arguments, kname), str)
    assert len(shown_command(arguments)) <= 512
