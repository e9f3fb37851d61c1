"""Prometheus's storage on disk: blocks, and a server's data folder, to a recording; series to blocks."""

from tocsin.sources.api import KINDS, Kind
from tocsin.sources.tsdb import bucket
from tocsin.sources.tsdb.folder import accepts, read

KINDS.add("tsdb", Kind("Prometheus TSDB", "a block, or a folder of blocks such as `data`", accepts, read))
KINDS.add(
    "object-store",
    Kind(
        "an object store of blocks",
        "a URL such as `s3://bucket/folder`, as Thanos and Mimir keep blocks",
        lambda _path, _head: False,
        bucket.read,
        bucket.SCHEMES,
    ),
)
