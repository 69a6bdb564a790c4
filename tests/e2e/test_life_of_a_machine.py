"""Up, asked, down, up again: what a person does with Weir."""

from __future__ import annotations

import os
import signal

from tests.e2e.machine import UP_S, Machine


def test_every_process_is_ready_after_up(machine: Machine) -> None:
    states = {name: row["state"] for name, row in machine.status().items()}
    assert set(states.values()) == {"ready"}, states


def test_a_second_up_says_that_weir_is_up(machine: Machine) -> None:
    second = machine.weir("up", timeout=20)
    assert second.returncode == 1
    assert "up already" in second.stderr


def test_the_agent_registers_by_itself(machine: Machine) -> None:
    machine.wait(lambda: '"vtap_id"' in machine.weir("agents", "--json").stdout, 30, "no agent registered")


def test_the_demo_finds_exactly_its_own_requests_with_both_names(machine: Machine) -> None:
    demo = machine.weir("demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "exactly the 90 requests" in demo.stdout
    rows = machine.query(
        "SELECT auto_instance_0, auto_instance_1, Count(row) AS n FROM l7_flow_log WHERE server_port = 8088 GROUP BY auto_instance_0, auto_instance_1"
    )
    assert len(rows) == 1, rows
    assert "weir-demo-client" in rows[0]["auto_instance_0"] or "client" in rows[0]["auto_instance_0"], rows
    assert "server" in rows[0]["auto_instance_1"], rows
    assert rows[0]["n"] == 60


def test_a_query_prints_a_table_json_and_csv(machine: Machine) -> None:
    sql = "SELECT request_type, Count(row) AS n FROM l7_flow_log WHERE server_port = 8088 GROUP BY request_type ORDER BY n DESC"
    assert "GET" in machine.weir("query", sql).stdout
    assert '"GET"' in machine.weir("query", sql, "--format", "json").stdout
    assert machine.weir("query", sql, "--format", "csv").stdout.splitlines()[0].replace('"', "") == "request_type,n"


def test_a_wrong_name_is_answered_with_the_nearest_right_one(machine: Machine) -> None:
    wrong = machine.weir("query", "SELECT request_typ FROM l7_flow_log LIMIT 1")
    assert wrong.returncode == 1
    assert "request_type" in wrong.stderr


def test_top_and_status_print_something_to_look_at(machine: Machine) -> None:
    assert "weir top" in machine.weir("top", "--once", "--window", "60").stdout
    assert "ledger" in machine.weir("status").stdout


def test_down_stops_everything_and_the_data_is_there_after_the_next_up(machine: Machine) -> None:
    before = machine.query("SELECT Count(row) AS n FROM l7_flow_log WHERE server_port = 8088")[0]["n"]
    done = machine.weir("down")
    assert done.returncode == 0, done.stderr
    assert machine.alive() == []
    warm = machine.up()
    machine.wait(lambda: machine.query("SELECT Count(row) AS n FROM l7_flow_log WHERE server_port = 8088")[0]["n"] == before, 15, "yesterday's rows are gone")
    assert warm < UP_S


def test_killing_the_supervisor_leaves_no_orphans(machine: Machine) -> None:
    os.kill(machine.supervisor_pid(), signal.SIGKILL)
    machine.wait(lambda: machine.alive() == [], 30, lambda: f"orphans: {machine.alive()}")


def test_damaged_files_cost_what_was_in_them_and_nothing_else(machine: Machine) -> None:
    machine.down()
    damaged = [path for path in (machine.folder / "agent").rglob("*") if path.is_file() and path.name != "lock"]
    damaged += [path for path in (machine.folder / "ingester").rglob("*") if path.is_file()]
    damaged += [machine.folder / "run" / "state.json", machine.folder / "run" / "supervisor.lock"]
    assert any(path.name == "standing.json" for path in damaged)
    for path in damaged:
        path.write_bytes(b'\x00{"half')
    (machine.folder / "agent" / "spool" / "flow_log" / f"{7:012d}.spool").write_bytes(os.urandom(5000))
    machine.up()
    assert {row["state"] for row in machine.status().values()} == {"ready"}
    assert len(machine.agent_ids()) == 1, "the agent was registered again"
