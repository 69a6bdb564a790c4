"""OTLP over gRPC: generic handlers that get raw bytes; Python parses nothing.

The calls are unary, but served as streams of one message: so the message is read when there is room for it, not before. Until
then HTTP/2's own flow control holds the sender.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
import grpc.aio

from libs.boot import StartError
from services.ingester.admission import Admission
from services.ingester.decoders import Decoder, Signal
from services.ingester.edge.answers import status, success
from services.ingester.errors import NotFound, Refused, TooSlow
from services.ingester.intake import Intake
from services.ingester.metrics import BODY_BYTES, REQUESTS

_PREFIX: Final = "/opentelemetry.proto.collector."
METHODS: Final[dict[str, Signal]] = {
    f"{_PREFIX}trace.v1.TraceService/Export": "traces",
    f"{_PREFIX}logs.v1.LogsService/Export": "logs",
}
_EXPECTED: Final = 1 << 20
"""Room taken for a message before its size is known; corrected when it is there."""

Context = grpc.aio.ServicerContext[Any, Any]


if TYPE_CHECKING:
    _Handlers = grpc.GenericRpcHandler[Any, Any]
else:
    _Handlers = grpc.GenericRpcHandler  # the stubs' parameters do not exist at run time


class GrpcEdge(_Handlers):
    """Routes Export calls to the intake."""

    def __init__(self, decoder: Decoder, intake: Intake, admission: Admission, *, read_timeout_s: float) -> None:
        self._decoder = decoder
        self._intake = intake
        self._admission = admission
        self._read_timeout_s = read_timeout_s
        self._bytes = BODY_BYTES.labels("grpc")
        self._stored = REQUESTS.labels("grpc", "stored")
        self._handlers = {method: grpc.stream_unary_rpc_method_handler(self._handler(signal)) for method, signal in METHODS.items()}
        self._unknown = grpc.stream_unary_rpc_method_handler(self._refuse)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a call; a sentence for OTLP signals that are not taken here, nothing for other services."""
        method = str(handler_call_details.method)
        signal = METHODS.get(method)
        if signal is not None and self._decoder.stream(signal) is not None:
            return self._handlers[method]
        return self._unknown if method.startswith(_PREFIX) else None

    def _handler(self, signal: Signal) -> Any:  # noqa: ANN401  grpc's own type for behaviours is not importable
        async def export(_: object, context: Context) -> bytes:
            return await self._export(signal, context)

        return export

    async def _export(self, signal: Signal, context: Context) -> bytes:
        try:
            answer = await self._take(signal, context)
        except Refused as error:
            REQUESTS.labels("grpc", type(error).__name__.lower()).inc()
            await self._abort(error, context)
        self._stored.inc()
        return answer

    async def _take(self, signal: Signal, context: Context) -> bytes:
        held = _EXPECTED
        await self._admission.enter(held)
        try:
            try:
                async with asyncio.timeout(self._read_timeout_s):
                    body = await context.read()
            except TimeoutError as error:
                message = f"The message did not arrive within {self._read_timeout_s:g} s."
                raise TooSlow(message) from error
            if not isinstance(body, bytes):
                body = b""
            self._bytes.inc(len(body))
            self._admission.release(held - len(body))
            held = len(body)

            def decoded() -> None:
                nonlocal held
                self._admission.release(held)
                held = 0

            metadata = dict(context.invocation_metadata() or ())
            resent = str(metadata.get("weir-attempt", "1")) != "1"
            outcome = await self._intake.take(body, signal=signal, form="protobuf", encoding="identity", resent=resent, decoded=decoded)
            return success(outcome, signal, "protobuf")
        finally:
            self._admission.leave(held)

    async def _refuse(self, _: object, context: Context) -> bytes:
        taken = " and ".join(stream.signal for stream in self._decoder.streams)
        message = f"Not taken here: this is ingester {self._decoder.name}, it takes {taken}."
        REQUESTS.labels("grpc", "notfound").inc()
        return await self._abort(NotFound(message), context)

    async def _abort(self, error: Refused, context: Context) -> bytes:
        details = status(error)
        trailers = (("grpc-status-details-bin", details.SerializeToString()),)
        await context.abort(error.grpc, str(error), trailers)
        raise AssertionError  # abort always raises


async def serve(edge: GrpcEdge, host: str, port: int, *, max_body: int, max_streams: int) -> tuple[grpc.aio.Server, int]:
    """Starts the server; returns it and its port. Raises StartError where the port is taken."""
    server = grpc.aio.server(
        handlers=(edge,),
        options=(
            ("grpc.max_receive_message_length", max_body),
            ("grpc.max_concurrent_streams", max_streams),
            ("grpc.so_reuseport", 0),
            ("grpc.max_metadata_size", 16 << 10),
        ),
    )
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        bound, reason = 0, str(error)
    else:
        reason = "it is in use"
    if bound == 0:
        message = f"Port {port} on {host} cannot be used for OTLP over gRPC ({reason}): stop what holds it or set WEIR_INGESTER_GRPC_PORT."
        raise StartError(message)
    await server.start()
    return server, bound
