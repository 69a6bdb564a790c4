"""Bodies that are filled piece by piece, and used again by later ones."""

from __future__ import annotations

import os

from weir_native import RequestBody, batch_hash


def filled(*pieces: bytes, capacity: int) -> RequestBody:
    body = RequestBody(capacity)
    for piece in pieces:
        body.push(piece)
    return body


def test_pieces_are_the_body_in_their_order() -> None:
    whole = os.urandom(300_000)
    body = filled(whole[:1], whole[1:200_000], whole[200_000:], capacity=len(whole))
    assert (len(body), batch_hash(body)) == (300_000, batch_hash(whole))


def test_a_body_that_is_used_again_has_nothing_of_the_one_before() -> None:
    for size in (70_000, 2_000_000, 65_536, 20_000_000, 100_000):
        whole = os.urandom(size)
        body = filled(whole[: size // 2], whole[size // 2 :], capacity=size)
        assert (len(body), batch_hash(body)) == (size, batch_hash(whole))
        del body
        assert len(RequestBody(size)) == 0


def test_more_than_was_expected_is_kept_too() -> None:
    whole = os.urandom(200_000)
    assert batch_hash(filled(whole, capacity=10)) == batch_hash(whole)
