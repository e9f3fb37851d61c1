"""Texts in an editor to what it shows of them, over the Language Server Protocol 3.17."""
