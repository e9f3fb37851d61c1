"""Timelines and incidents to a verdict: what paged, what was caught, what was missed, and how late."""
