"""Samples to an XOR2 chunk, a bit at a time, as prometheus tsdb/docs/format/chunks.md describes it."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.series import STALE_BITS
from tocsin.sources.tsdb.write_index import uvarint, varint

MASK = (1 << 64) - 1


class _Bits:
    def __init__(self) -> None:
        self.text: list[str] = []

    def add(self, value: int, count: int) -> None:
        self.text.append(f"{value & ((1 << count) - 1):0{count}b}")

    def whole(self, content: bytes) -> None:
        for byte in content:
            self.add(byte, 8)

    def packed(self) -> bytes:
        text = "".join(self.text)
        text += "0" * (-len(text) % 8)
        return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def encode_xor2(samples: Sequence[tuple[int, int]], starts: Sequence[int]) -> bytes:
    """A chunk from its number of samples on; `starts` are the start times, 0 for none."""
    out = _Bits()
    known = starts[0] != 0
    changes = next((i for i in range(1, min(len(starts), 128)) if starts[i] != starts[i - 1] or i == 127), 0)
    baseline, step, offset = 0, 0, 0
    window: tuple[int, int] | None = None
    for i, (time, value) in enumerate(samples):
        stale = value == STALE_BITS
        if i == 0:
            out.whole(varint(time))
            out.add(value, 64)
            if known:
                out.whole(varint(time - starts[0]))
        else:
            before = samples[i - 1][0]
            change = time - before - step
            step = time - before
            if i == 1:
                out.whole(uvarint(step))
                window = _value(out, value, baseline, window, stale)
            elif change == 0 and stale:
                out.add(0b11111, 5)
            elif change == 0 and value == baseline:
                out.add(0, 1)
            elif change == 0:
                out.add(0b10, 2)
                window = _changed(out, value ^ baseline, window, "0", "1")
            else:
                if -(1 << 12) <= change < 1 << 12:
                    out.add(0b110, 3)
                    out.add(change, 13)
                elif -(1 << 19) <= change < 1 << 19:
                    out.add(0b1110, 4)
                    out.add(change, 20)
                else:
                    out.add(0b11110, 5)
                    out.add(change, 64)
                window = _value(out, value, baseline, window, stale)
            if changes and i >= changes:
                now = before - starts[i]
                _varbit(out, now if i == changes else now - offset)
                offset = now
        if not stale:
            baseline = value
    return len(samples).to_bytes(2, "big") + bytes([known << 7 | changes]) + out.packed()


def _value(
    out: _Bits, value: int, baseline: int, window: tuple[int, int] | None, stale: bool
) -> tuple[int, int] | None:
    if stale:
        out.add(0b111, 3)
        return window
    if value == baseline:
        out.add(0, 1)
        return window
    return _changed(out, value ^ baseline, window, "10", "110")


def _changed(out: _Bits, changed: int, window: tuple[int, int] | None, old: str, new: str) -> tuple[int, int]:
    lead, trail = min(64 - changed.bit_length(), 31), (changed & -changed).bit_length() - 1
    if window is not None and lead >= window[0] and trail >= window[1]:
        out.text.append(old)
        lead, trail = window
    else:
        out.text.append(new)
        out.add(lead, 5)
        out.add(64 - lead - trail, 6)
    out.add(changed >> trail, 64 - lead - trail)
    return lead, trail


def _varbit(out: _Bits, number: int) -> None:
    """A number in the first of nine widths that holds it."""
    if number == 0:
        return out.add(0, 1)
    for ones, width in enumerate((3, 6, 9, 12, 18, 25, 56), 1):
        if -(1 << (width - 1)) < number <= 1 << (width - 1):
            out.text.append("1" * ones + "0")
            return out.add(number, width)
    out.text.append("1" * 8)
    return out.add(number, 64)
