"""What is measured: one kind of indicator is one file, which turns a few words into a PromQL value over a window."""
