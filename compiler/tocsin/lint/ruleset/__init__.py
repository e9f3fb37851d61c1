"""The rules on all alerts and recording rules together: duplicates, gaps, and what depends on what."""
