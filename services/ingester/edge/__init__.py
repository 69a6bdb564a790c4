"""OTLP as it comes in: over HTTP and over gRPC. Bytes in, answers out; what a row is, is not known here."""
