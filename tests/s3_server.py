"""A folder as S3 serves it, as far as reading goes: lists of objects, and objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@contextmanager
def s3(root: Path) -> Iterator[dict[str, str]]:
    """Buckets are the folders in `root`; gives the environment in which S3 is that."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._serve(body=False)

        def do_GET(self) -> None:
            self._serve(body=True)

        def _serve(self, body: bool) -> None:
            parts = urlsplit(self.path)
            path, query = root / unquote(parts.path).strip("/"), parse_qs(parts.query)
            if "list-type" in query or path.is_dir():
                content = _listing(path, query.get("prefix", [""])[0], query.get("delimiter", [""])[0]).encode()
            elif path.is_file():
                content = path.read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
            self.send_header("ETag", f'"{len(content)}"')
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "me",
            "AWS_SECRET_ACCESS_KEY": "hush-hush",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.shutdown()
        server.server_close()


def _listing(bucket: Path, prefix: str, delimiter: str) -> str:
    keys = sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file())
    keys = [key for key in keys if key.startswith(prefix)]
    below = {key: key[len(prefix) :].partition("/")[0] for key in keys if delimiter and "/" in key[len(prefix) :]}
    entries = [
        f"<Contents><Key>{escape(key)}</Key><Size>{(bucket / key).stat().st_size}</Size>"
        '<LastModified>2023-11-14T22:13:20.000Z</LastModified><ETag>"x"</ETag></Contents>'
        for key in keys
        if key not in below
    ]
    entries += [
        f"<CommonPrefixes><Prefix>{escape(prefix + name)}/</Prefix></CommonPrefixes>"
        for name in sorted(set(below.values()))
    ]
    return (
        f'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>{"".join(entries)}</ListBucketResult>'
    )
