"""Recordings that a server holds: how it is reached, asked again, and asked for no more than it gives at once."""
