"""Recordings to series in memory; one kind of recording is one file."""
