"""Rule groups over a recording to timelines: when each alert was pending, fired, and resolved."""
