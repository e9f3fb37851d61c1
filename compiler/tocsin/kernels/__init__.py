"""Loops over plain arrays with an `out` argument: all the arithmetic whose order of operations must be Prometheus's."""
