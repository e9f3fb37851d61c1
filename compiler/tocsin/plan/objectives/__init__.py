"""Objectives to the rules that keep their accounts: events are counted once, and everything else is their sums."""
