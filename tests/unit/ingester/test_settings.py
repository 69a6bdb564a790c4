from __future__ import annotations

import pytest

from libs.boot import StartError
from libs.catalog.ports import port
from services.ingester.decoders import DECODERS, Decoder, decoder
from services.ingester.settings import settings_for


@pytest.mark.parametrize("row", DECODERS, ids=lambda row: row.name)
def test_every_decoder_has_its_ports_streams_and_tables(row: Decoder) -> None:
    settings = settings_for(row)
    assert (settings.port, settings.grpc_port) == (port(f"ingester.{row.name}"), port(f"ingester.{row.name}", "grpc"))
    assert row.streams
    assert all(table.database == row.name for table in row.tables)


def test_unknown_setting_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_INGESTER_GRCP_PORT", "1")
    with pytest.raises(StartError, match="WEIR_INGESTER_GRPC_PORT"):
        settings_for(decoder("flow_log"))


def test_listening_beyond_loopback_is_refused_unless_it_is_wanted() -> None:
    with pytest.raises(StartError, match="loopback"):
        settings_for(decoder("flow_log"), host="0.0.0.0")
    assert settings_for(decoder("flow_log"), host="0.0.0.0", allow_remote=True).host == "0.0.0.0"


def test_retention_of_an_unknown_table_is_refused() -> None:
    with pytest.raises(StartError, match=r"flow_log\.l7_flow_log"):
        settings_for(decoder("flow_log"), retention_days={"flow_log.l8": 3})


def test_retention_of_the_other_decoders_tables_is_not_this_ones_business() -> None:
    assert settings_for(decoder("flow_log"), retention_days={"flow_metrics.network.1s": 3}).retention_days
