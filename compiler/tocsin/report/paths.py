"""Paths of files to the ways in which programs name them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def relative(path: str, folder: str | Path | None = None) -> str:
    """The path as seen from a folder (the current one), with `/` between its parts; outside of it, as it is.

    >>> relative("./specs/../specs/shop.yaml")
    'specs/shop.yaml'
    """
    here = os.path.abspath(folder or os.curdir)
    absolute = os.path.abspath(path)
    inside = absolute.startswith(os.path.join(here, ""))
    return (os.path.relpath(absolute, here) if inside else os.path.normpath(path)).replace(os.sep, "/")


def uri(path: str) -> str:
    """The path as a URI reference, relative to the current folder if it can be.

    >>> uri("specs/a shop%.yaml")
    'specs/a%20shop%25.yaml'
    """
    seen = relative(path)
    return Path(path).as_uri() if os.path.isabs(seen) else quote(os.fsencode(seen))
