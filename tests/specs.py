"""Short specs and short recordings, for the tests of the stages from a spec to its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tocsin.diagnostics import Problems, Source, render
from tocsin.document import parse_documents
from tocsin.engine.evaluate import evaluate_instant
from tocsin.labels import Labels
from tocsin.plan.emit import Compiled, emit
from tocsin.plan.lower import lower
from tocsin.promql.ast import Expr
from tocsin.series import Recording
from tocsin.sources.open import open_recording
from tocsin.spec.load import read_spec
from tocsin.spec.model import Spec
from tocsin.spec.settings import Settings

MINUTE = 60_000


def read(text: str, settings: Settings | None = None) -> Spec:
    """The spec in a text, which must be without fault."""
    problems, source = Problems(), Source("spec.yaml", text)
    (node,) = parse_documents(source, problems)
    spec = read_spec(node, source, settings or Settings(), problems)
    assert spec is not None, "\n".join(map(render, problems))
    assert not len(problems), "\n".join(map(render, problems))
    return spec


def compiled(text: str, settings: Settings | None = None) -> Compiled:
    return emit(lower(read(text, settings), settings or Settings()), settings or Settings())


def recording(folder: Path, series: Mapping[str, Sequence[float | None]], step: int = MINUTE) -> Recording:
    """Series by their text, sample `i` at `i * step` milliseconds; None where there is no sample."""
    lines = [
        f"{name} {value!r} {index * step / 1000!r}"
        for name, values in series.items()
        for index, value in enumerate(values)
        if value is not None
    ]
    path = folder / "recording.om"
    path.write_text("\n".join([*lines, "# EOF", ""]))
    return open_recording(str(path))


def evaluated(expr: Expr, data: Recording, time: int) -> dict[Labels, float]:
    """What an expression gives at a time in milliseconds."""
    result = evaluate_instant(expr, data, time)
    assert not result.failures
    frame = result.frame
    return {labels: float(frame.values[row, 0]) for row, labels in enumerate(frame.labels) if frame.present[row, 0]}
