from __future__ import annotations

import asyncio

import pytest

from services.ingester.admission import Admission
from services.ingester.errors import Overloaded, Refused, Unavailable


def admission(*, max_bytes: int = 100, max_requests: int = 10, max_queued: int = 2, wait_s: float = 5.0, closed: Refused | None = None) -> Admission:
    return Admission(max_bytes=max_bytes, max_requests=max_requests, max_queued=max_queued, queue_wait_s=wait_s, closed=lambda: closed)


async def test_who_waits_is_admitted_in_order_when_room_comes() -> None:
    room = admission()
    await room.enter(80)
    order: list[int] = []

    async def enter(size: int) -> None:
        await room.enter(size)
        order.append(size)

    waiting = [asyncio.create_task(enter(size)) for size in (50, 10)]
    await asyncio.sleep(0)
    assert order == []  # 10 would fit, and waits behind 50 all the same
    room.leave(80)
    await asyncio.gather(*waiting)
    assert order == [50, 10]
    assert (room.bytes, room.requests) == (60, 2)


async def test_more_than_may_wait_are_refused_at_once() -> None:
    room = admission(max_requests=1, max_queued=1)
    await room.enter(1)
    waiting = asyncio.create_task(room.enter(1))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await room.enter(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    room.leave(1)
    assert (room.bytes, room.requests) == (0, 0)


async def test_wait_without_room_ends_with_a_refusal_and_holds_nothing() -> None:
    room = admission(max_requests=1, wait_s=0.01)
    await room.enter(1)
    with pytest.raises(Overloaded):
        await room.enter(1)
    room.leave(1)
    assert room.enter_at_once(100)


async def test_one_request_larger_than_all_room_is_admitted_alone() -> None:
    room = admission()
    assert room.enter_at_once(1000)
    assert not room.enter_at_once(1)


async def test_closed_refuses_before_anything_else() -> None:
    with pytest.raises(Unavailable):
        await admission(closed=Unavailable("stopping")).enter(1)


async def test_released_bytes_let_others_in_while_the_request_is_still_inside() -> None:
    room = admission()
    await room.enter(100)
    assert not room.enter_at_once(50)
    room.release(100)
    assert room.enter_at_once(50)
    assert room.requests == 2


async def test_growth_beyond_the_bound_is_denied_unless_alone() -> None:
    alone = admission()
    await alone.enter(50)
    assert alone.grow(100)
    shared = admission()
    await shared.enter(50)
    await shared.enter(40)
    assert not shared.grow(20)
