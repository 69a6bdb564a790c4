"""What travels between Weir's own processes: protobuf sources and the code generated from them.

Admission rule: messages that cross a process border, their generated modules, and the one way to send a snapshot.
"""

from libs.wire.generated.weir.v1 import agent_pb2, agent_pb2_grpc, platform_pb2, snapshot_pb2, snapshot_pb2_grpc

__all__ = ["agent_pb2", "agent_pb2_grpc", "platform_pb2", "snapshot_pb2", "snapshot_pb2_grpc"]
