"""Noise: what is refused before it can wake anybody. One rule is one file."""
