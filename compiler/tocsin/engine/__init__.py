"""Expressions and a recording to frames, tile by tile over time: `evaluate` is the way in, one file per operator."""
