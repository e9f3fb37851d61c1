"""The messages of remote read, built from this table when they are first used: no generated code, no compiler for it.

Source: prometheus prompb/remote.proto and prompb/types.proto; numbers and types of the fields are the wire format.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_TABLE = """
Label: 1 name string, 2 value string
Sample: 1 value double, 2 timestamp int64
TimeSeries: 1 labels *Label, 2 samples *Sample
Chunk: 1 min_time_ms int64, 2 max_time_ms int64, 3 type int32, 4 data bytes
ChunkedSeries: 1 labels *Label, 2 chunks *Chunk
LabelMatcher: 1 type int32, 2 name string, 3 value string
Query: 1 start_timestamp_ms int64, 2 end_timestamp_ms int64, 3 matchers *LabelMatcher
ReadRequest: 1 queries *Query, 2 accepted_response_types *int32
QueryResult: 1 timeseries *TimeSeries
ReadResponse: 1 results *QueryResult
ChunkedReadResponse: 1 chunked_series *ChunkedSeries, 2 query_index int64
"""

_PACKAGE = "tocsin.prometheus"
_Field = descriptor_pb2.FieldDescriptorProto


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package=_PACKAGE, syntax="proto3")
    for line in _TABLE.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            number, name, kind = field.split()
            label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
            added = message.field.add(name=name, number=int(number), label=label)
            kind = kind.removeprefix("*")
            if kind[0].isupper():
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


ReadRequest, ReadResponse, ChunkedReadResponse = map(_message, ("ReadRequest", "ReadResponse", "ChunkedReadResponse"))

__all__ = ["ChunkedReadResponse", "DecodeError", "ReadRequest", "ReadResponse"]
