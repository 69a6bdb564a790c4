from __future__ import annotations

from pathlib import Path

import pytest

from agent.control.standing import Standing, StandingFile, UnusableAnswerError
from libs.wire import agent_pb2 as pb


def answer(**fields: object) -> pb.SyncResponse:
    made = {"status": pb.SYNC_STATUS_OK, "vtap_id": 7, "vpc_id": 2, "genesis_address": "127.0.0.1:1", **fields}
    return pb.SyncResponse(**made)  # type: ignore[arg-type]


FULL = answer(
    ingesters=[pb.IngesterEndpoint(decoder="flow_log", otlp_http="http://127.0.0.1:9/")],
    weir_endpoints=[pb.WeirEndpoint(address="127.0.0.1", port=9)],
    config_version=3,
    config_yaml="l7: {enabled: false}",
    vtap_group_id="g",
)


def test_a_registration_says_everything() -> None:
    found = Standing().after(FULL)
    assert (found.vtap_id, found.vpc_id, found.config_version, found.vtap_group_id) == (7, 2, 3, "g")
    assert found.ingesters == {"flow_log": "http://127.0.0.1:9"}
    assert found.weir_endpoints == (("127.0.0.1", 9),)
    assert not found.config.l7.enabled


def test_an_answer_without_configuration_keeps_the_one_in_force() -> None:
    before = Standing().after(FULL)
    assert before.after(answer(config_version=3, vtap_group_id="g")) == before


def test_an_unknown_agent_keeps_what_it_had_and_learns_where_genesis_is() -> None:
    before = Standing().after(FULL)
    after = before.after(pb.SyncResponse(status=pb.SYNC_STATUS_UNKNOWN, platform_enabled=True, genesis_address="h:2"))
    assert (after.vtap_id, after.config, after.genesis_address) == (7, before.config, "h:2")


def test_a_refusal_is_kept_with_its_reason_until_it_is_taken_back() -> None:
    refused = Standing().after(FULL).after(pb.SyncResponse(status=pb.SYNC_STATUS_REFUSED, message="disabled by a person"))
    assert refused.refused == "disabled by a person"
    assert refused.after(FULL).refused == ""


def test_a_configuration_that_cannot_be_obeyed_is_an_error() -> None:
    with pytest.raises(UnusableAnswerError, match="configuration 4 cannot be used"):
        Standing().after(answer(config_version=4, config_yaml="captrue: {}"))


def test_a_standing_survives_a_restart(tmp_path: Path) -> None:
    standing = Standing().after(FULL)
    StandingFile(tmp_path).write(standing, "host-a")
    assert StandingFile(tmp_path).read("host-a") == standing


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"host_id": "host-a"}', b'{"host_id": "host-a", "weir_endpoints": [], "config": {"x": 1}}', b"\xff"])
def test_a_broken_file_is_a_fresh_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "standing.json").write_bytes(content)
    assert StandingFile(tmp_path).read("host-a") == Standing()


def test_a_folder_copied_to_another_machine_is_a_fresh_start(tmp_path: Path) -> None:
    StandingFile(tmp_path).write(Standing().after(FULL), "host-a")
    assert StandingFile(tmp_path).read("host-b") == Standing()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    StandingFile(tmp_path / "absent").write(Standing(), "host-a")
