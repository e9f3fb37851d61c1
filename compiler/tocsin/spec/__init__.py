"""A spec file to the model: structure by JSON Schema, meaning by readers that know the place of every value."""
