"""Random rule groups, replayed by tocsin and evaluated by `promtool test rules`, which runs Prometheus's own rules."""
