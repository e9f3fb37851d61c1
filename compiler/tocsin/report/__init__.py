"""What was found, for people and for programs: text, JSON, and a page with charts."""
