"""Compiled rules to the files that ship: one kind of output is one file."""
