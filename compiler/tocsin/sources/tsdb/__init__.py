"""Prometheus's storage on disk: blocks, and a server's data folder, to a recording; series to blocks.

What reads them is imported when there is one to read: its kernels and their checks take a query of a file 30 ms.
"""

from tocsin.sources.api import KINDS, Kind, OpenedRecording

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "memory", "file")


def accepts(path: str, head: bytes) -> bool:
    """Whether a folder is a block, or holds blocks or a server's log."""
    if head:
        return False
    from tocsin.sources.tsdb import folder

    return folder.accepts(path, head)


def read(path: str) -> OpenedRecording:
    """The recording in a folder; raises ProblemError."""
    from tocsin.sources.tsdb import folder

    return folder.read(path)


def read_bucket(url: str) -> OpenedRecording:
    """The recording in an object store; raises ProblemError."""
    from tocsin.sources.tsdb import bucket

    return bucket.read(url)


KINDS.add("tsdb", Kind("Prometheus TSDB", "a block, or a folder of blocks such as `data`", accepts, read))
KINDS.add(
    "object-store",
    Kind(
        "an object store of blocks",
        "a URL such as `s3://bucket/folder`, as Thanos and Mimir keep blocks",
        lambda _path, _head: False,
        read_bucket,
        SCHEMES,
    ),
)
