"""`tocsin schema`: the JSON Schema of what people write."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def schema(
    settings: Annotated[bool, typer.Option("--settings", help="The schema of tocsin.yaml instead.")] = False,
) -> None:
    """Print the JSON Schema of a spec, for completion and hover help in an editor."""
    from tocsin.spec.validate import settings_schema, spec_schema

    document = settings_schema() if settings else spec_schema()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
