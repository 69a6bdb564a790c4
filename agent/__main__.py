"""`weir-agent`: watches this machine, or replays a capture file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.custom.hosts import Wanted
from agent.custom.loading import Source
from agent.errors import AgentError, CannotStartError, CaptureFileError, CaptureUnavailableError, NotDeliveredError, ProtocolError
from libs.catalog.agent_config import CustomProtocol

_EXIT_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (CaptureFileError, 2),
    (CaptureUnavailableError, 3),
    (CannotStartError, 3),
    (ProtocolError, 3),
    (NotDeliveredError, 4),
)
_DESCRIPTION: Final = """\
Sees every flow and every request on this machine, in the packets, without touching the programs that make them,
and sends them to Weir. Without options it watches live, under the control plane that WEIR_AGENT_CONTROLLER names."""
_EPILOG: Final = """\
examples:
  sudo weir-agent                                   watch this machine (`make up` starts it for you)
  weir-agent --pcap trace.pcap --print              what is in a capture file, as tables for people
  weir-agent --pcap trace.pcap.gz --print json      the same, one JSON object per stored row, for programs:
      … | jq -r 'select(.table == "flow_log.l7_flow_log") | [.request_type, .request_resource, .response_code] | @tsv'
  weir-agent --pcap trace.pcap --write rows         the same as Parquet files (--format arrow|json|ipfix), for DuckDB, pandas, Spark …
  weir-agent --pcap trace.pcap --write logs --format zeek   conn.log, http.log, dns.log … as Zeek has them; `eve`: Suricata's eve.json
  weir-agent --pcap trace.pcap --print --protocol ./tally.py:Tally@7000   with a protocol of your own, written in Python
  weir-agent --pcap trace.pcap                      store a capture file's rows as this machine's agent
  weir-agent --pcap trace.pcap --agent-id 7 --ingester flow_log=http://127.0.0.1:20430 --ingester flow_metrics=http://127.0.0.1:20432

what it needs to watch live: root, or
  sudo setcap cap_net_raw,cap_net_admin,cap_sys_admin+ep "$(readlink -f "$(command -v python3)")"
  cap_net_raw opens the packet rings, cap_net_admin their filters, cap_sys_admin enters other network namespaces.
  Without them it reports what it can see and captures nothing; /readyz says so.

while it runs, on 127.0.0.1:20440: /healthz, /readyz (what is missing, in a sentence), /metrics (the ledger of rows).
settings from the environment: WEIR_AGENT_CONTROLLER, WEIR_AGENT_STATE_DIR, WEIR_AGENT_PORT, … (docs/reference/settings.md).

exit codes: 0 done, 1 failed while running, 2 the capture file cannot be read, 3 cannot start, 4 rows of a replay were not delivered."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="weir-agent", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--pcap", type=Path, metavar="FILE", help="replay a capture file (pcap, pcapng, either gzipped) through the same path as live packets")
    made.add_argument(
        "--print", dest="form", nargs="?", const="table", choices=("table", "json"), metavar="json",
        help="print rows instead of sending them: tables for people, with `json` one object per row and nothing else; needs no server",
    )  # fmt: skip
    made.add_argument(
        "--write", type=Path, metavar="DIR", help="write the rows of a capture file into this folder, a file per table; needs no server",
    )  # fmt: skip
    made.add_argument("--format", choices=("parquet", "arrow", "json", "ipfix", "zeek", "eve"), default="parquet", help="of those files (default: %(default)s)")
    made.add_argument("--ipfix", metavar="HOST:PORT", help="send the flows of a capture file to an IPFIX collector over UDP (4739 is its usual port)")
    made.add_argument(
        "--ingester", action="append", default=[], metavar="[DECODER=]URL",
        help="where a replay sends its rows, instead of asking the control plane; twice, for flow_log and flow_metrics, or once for both",
    )  # fmt: skip
    made.add_argument(
        "--protocol", dest="protocols", action="append", default=[], type=named_protocol, metavar="FILE.py:CLASS[@PORTS]",
        help="read a protocol of your own too (docs/guides/custom-protocols.md), at these ports (7000,7100-7199) or wherever no other is known; with --pcap or --print",
    )  # fmt: skip
    made.add_argument("--agent-id", type=int, default=0, metavar="N", help="whose rows a replay's are, instead of asking the control plane")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; exits with one of the codes that `--help` lists."""
    arguments = parser()
    options = arguments.parse_args(argv)
    if options.pcap is None and (options.ingester or options.agent_id):
        arguments.error("--ingester and --agent-id belong to --pcap: a live agent is told both by the control plane")
    if options.protocols and options.pcap is None and options.form is None:
        arguments.error("--protocol belongs to --pcap or --print: a live agent is told by the control plane (l7.custom in its configuration)")
    if options.ipfix is not None and (options.pcap is None or options.form is not None or options.write is not None):
        arguments.error("--ipfix belongs to --pcap, and takes the place of --print and --write")
    if options.write is not None and (options.pcap is None or options.form is not None):
        arguments.error("--write belongs to --pcap, and takes the place of --print")
    if options.protocols:
        from libs.boot import configure_logs  # noqa: PLC0415  standard output is for rows

        configure_logs("agent", "info", "console")
    try:
        if options.pcap is None:
            _watch(options.form, options.protocols)
        else:
            _replay(options)
    except AgentError as error:
        sys.stderr.write(f"weir-agent: {error}\n")
        sys.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1))
    except KeyboardInterrupt:
        sys.exit(130)


def named_protocol(text: str) -> Wanted:
    """What `--protocol` says. Raises argparse.ArgumentTypeError."""
    path, _, rest = text.rpartition(":")
    name, _, ports = rest.partition("@")
    file = Path(path)
    if file.suffix != ".py" or not name:
        message = f"{text!r} is not FILE.py:CLASS or FILE.py:CLASS@PORTS"
        raise argparse.ArgumentTypeError(message)
    try:
        custom = CustomProtocol.model_validate(
            {"parser": f"{file.stem}:{name}", "ports": [int(port) if port.isdigit() else port for port in ports.split(",") if port]}
        )
    except ValidationError as error:
        message = f"{text!r}: {error.errors()[0]['msg']}"
        raise argparse.ArgumentTypeError(message) from error
    return Wanted(Source(file.parent.resolve(), custom.parser), custom.ranges)


def _watch(form: str | None, protocols: Sequence[Wanted]) -> None:
    if form is not None:
        from agent.replay.live import print_live  # noqa: PLC0415

        print_live(form, protocols)
        return
    from agent.app import start  # noqa: PLC0415  a replay needs none of it
    from agent.settings import AgentSettings  # noqa: PLC0415
    from libs.boot import run  # noqa: PLC0415

    run("agent", AgentSettings, start, uvloop=False)


def _replay(options: argparse.Namespace) -> None:
    from agent.replay.capture_file import CaptureFile  # noqa: PLC0415

    if options.ipfix is not None:
        from agent.replay.collector import send_flows  # noqa: PLC0415

        file = CaptureFile(options.pcap, {"agent_id": options.agent_id}, options.protocols)
        records = send_flows(file, options.ipfix)
        sys.stderr.write(f"weir-agent: {records:,} records sent to {options.ipfix}; UDP does not say what arrived.\n")
        return
    if options.write is not None and options.format in ("zeek", "eve"):
        _write_logs(options)
        return
    if options.write is not None:
        from agent.replay.files import write_files  # noqa: PLC0415

        file = CaptureFile(options.pcap, {"agent_id": options.agent_id}, options.protocols)
        for path, rows in write_files(file, options.write, options.format).items():
            sys.stderr.write(f"weir-agent: {rows:>10,} rows in {path}\n")
        if file.remark:
            sys.stderr.write(f"weir-agent: {file.remark}\n")
        return
    if options.form is None:
        from agent.replay.delivery import deliver_file  # noqa: PLC0415

        deliver_file(options.pcap, ingesters=options.ingester, agent_id=options.agent_id, protocols=options.protocols)
        return
    file = CaptureFile(options.pcap, {"agent_id": options.agent_id}, options.protocols)
    if options.form == "json":
        from agent.replay.lines import print_lines  # noqa: PLC0415

        print_lines(file)
        if file.remark:
            sys.stderr.write(f"weir-agent: {file.remark}\n")
    else:
        from agent.replay.tables import print_tables  # noqa: PLC0415

        print_tables(file, lambda: file.remark)


def _write_logs(options: argparse.Namespace) -> None:
    from agent.replay.capture_file import CaptureFile  # noqa: PLC0415
    from agent.replay.logs import ENGINE, write_logs  # noqa: PLC0415

    file = CaptureFile(options.pcap, {**ENGINE, "agent_id": options.agent_id}, options.protocols)
    records, left_out = write_logs(file, options.write, options.format)
    for path, count in sorted(records.items()):
        sys.stderr.write(f"weir-agent: {count:>10,} records in {path}\n")
    if left_out:
        sys.stderr.write(f"weir-agent: {left_out:,} requests have no place in these logs; `--format parquet` has them.\n")
    if file.remark:
        sys.stderr.write(f"weir-agent: {file.remark}\n")


if __name__ == "__main__":
    main()
