"""Local is open, remote is closed: what a process says that would answer anybody on a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.settings import AgentSettings
from libs.boot import ProcessSettings, StartError, load_settings
from services.cloud.settings import CloudSettings
from services.genesis.settings import GenesisSettings
from services.ingester.settings import IngesterSettings
from services.querier.settings import QuerierSettings
from services.recorder.settings import RecorderSettings
from services.store.access import load_users
from services.store.settings import StoreSettings
from services.tagrecorder.settings import TagrecorderSettings
from services.trisolaris.settings import TrisolarisSettings

EVERY = [
    AgentSettings, CloudSettings, GenesisSettings, IngesterSettings, QuerierSettings, RecorderSettings, StoreSettings, TagrecorderSettings, TrisolarisSettings
]  # fmt: skip


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "node.example"])
def test_no_process_answers_a_network_unasked(kind: type[ProcessSettings], host: str) -> None:
    with pytest.raises(StartError, match=r"_HOST is .*, beyond loopback.*bind to 127\.0\.0\.1, or "):
        load_settings(kind, host=host)
    assert load_settings(kind, host=host, allow_remote=True).host == host


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_open(kind: type[ProcessSettings], host: str) -> None:
    assert load_settings(kind, host=host).is_local


def test_store_with_a_password_for_everyone_answers_a_network() -> None:
    users = [{"name": "default", "password": "a"}, {"name": "reader", "password": "b", "readonly": True}]
    assert load_settings(StoreSettings, host="0.0.0.0", users=users).users[0].name == "default"
    with pytest.raises(StartError, match="WEIR_STORE_USERS a password"):
        load_settings(StoreSettings, host="0.0.0.0", users=[*users, {"name": "guest"}])


def test_users_file_with_somebody_without_a_password_is_told(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text(json.dumps([{"name": "default", "password": "a"}, {"name": "guest"}]))
    assert len(load_users(load_settings(StoreSettings, users_file=file))) == 2
    with pytest.raises(StartError, match=r"guest of .*users\.json has no password"):
        load_users(load_settings(StoreSettings, host="0.0.0.0", users_file=file))
