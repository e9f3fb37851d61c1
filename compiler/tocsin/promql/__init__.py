"""PromQL as a language: parse, check, build and print, no evaluation."""
