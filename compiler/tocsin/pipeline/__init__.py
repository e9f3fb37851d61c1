"""The straight line through the stages: one short function for each thing that a command does."""
