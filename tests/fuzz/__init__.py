"""Random expressions over random samples, answered by the engine and by a live Prometheus 2.42."""
