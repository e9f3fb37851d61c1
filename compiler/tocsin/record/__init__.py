"""Rules and a source to a recording of exactly what the rules read."""
