"""What is said of captures beside tshark is compared by values, each as often as it is there."""

from __future__ import annotations

from collections import Counter

from tests.opinions.tshark import QUESTIONS, Answer


def test_of_a_packet_in_a_tunnel_the_ends_inside_are_meant() -> None:
    packets = QUESTIONS[0].theirs
    outside = [["eth:ethertype:ip:udp"], ["10.0.0.2"], ["10.0.0.1"], [], [], [], [], ["53"], ["9"]]
    inside = [["eth:ethertype:ip:udp:gtp:ipv6:tcp"], ["10.0.0.2"], ["10.0.0.1"], ["::2"], ["::1"], ["443"], ["5"], ["2152"], ["2152"]]
    assert list(packets(outside)) == [("10.0.0.1", "9", "10.0.0.2", "53", "17")]
    assert list(packets(inside)) == [("::1", "5", "::2", "443", "6")]


def test_a_proxys_target_is_its_path_and_interim_codes_are_none() -> None:
    requests, codes = QUESTIONS[1].theirs, QUESTIONS[2].theirs
    assert list(requests([["GET", "POST"], ["/a", "http://b:1/c/d"]])) == [("GET", "/a"), ("POST", "/c/d")]
    assert list(codes([["100", "200", "101", "404"]])) == [("200",), ("101",), ("404",)]


def test_what_is_said_twice_is_two_values() -> None:
    answer = Answer()
    answer.add("a", Counter({("x",): 2, ("y",): 1}), Counter({("x",): 1, ("z",): 1}))
    answer.add("b", Counter({("x",): 1}), Counter({("x",): 1}))
    assert (answer.captures, answer.agreed, answer.theirs, answer.ours) == (2, 2, 2, 1)
    assert answer.differing == {"a": (Counter({("x",): 1, ("y",): 1}), Counter({("z",): 1}))}
