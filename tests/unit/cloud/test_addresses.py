import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cloud.addresses import parse


@pytest.mark.parametrize(
    "text", ["10.1.2.3/8", "172.16.0.1/12", "192.168.1.1/24", "100.64.0.1/10", "169.254.1.1/16", "fd00::1/64", "fe80::1/64", "::ffff:10.0.0.1/120"]
)
def test_private_and_link_local_addresses_are_lan(text: str) -> None:
    assigned = parse(text)
    assert assigned is not None
    assert assigned.is_lan


@pytest.mark.parametrize("text", ["8.8.8.8/32", "172.32.0.1/12", "100.128.0.1/10", "2001:db8::1/64", "203.0.113.9"])
def test_all_others_are_wan(text: str) -> None:
    assigned = parse(text)
    assert assigned is not None
    assert not assigned.is_lan


@pytest.mark.parametrize("text", ["127.0.0.1/8", "127.9.9.9/8", "::1/128", "0.0.0.0/0", "::/0", "224.0.0.1/4", "ff02::1/16"])
def test_loopback_multicast_and_unspecified_are_left_out(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "has_subnet"), [("10.0.0.1/32", False), ("10.0.0.1", False), ("10.0.0.1/24", True), ("fe80::1/64", False), ("fd00::1/128", False)]
)
def test_a_single_address_and_the_link_local_range_are_no_subnet(text: str, has_subnet: bool) -> None:  # noqa: FBT001  a parameter of the test
    assigned = parse(text)
    assert assigned is not None
    assert assigned.has_subnet == has_subnet


def test_a_zone_is_not_part_of_an_address() -> None:
    for text in ("fe80::1%eth0/64", "fe80::1%eth0"):
        assigned = parse(text)
        assert assigned is not None
        assert str(assigned.ip) == "fe80::1"


@given(st.text(max_size=40))
def test_any_text_is_an_address_nothing_or_a_value_error(text: str) -> None:
    try:
        assigned = parse(text)
    except ValueError:
        return
    assert assigned is None or ipaddress.ip_address(str(assigned.ip)) == assigned.ip
