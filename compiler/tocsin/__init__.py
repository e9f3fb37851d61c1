"""tocsin: declarative alert specs to Prometheus and Alertmanager files, and a verdict on recorded data.

Two halves meet in the rule groups that ship.

Intent to files: `document` reads YAML and keeps the place of every value; `spec` validates it against its schema
and builds the model; `indicators` say what is measured, as PromQL expressions of the language in `promql`; `plan`
lowers the alerts of a spec to the rule groups of `rules`; `lint` refuses what would only make noise; `targets`
print what is left as files.

Samples to verdict: `sources` read recordings into `series`; `engine` evaluates expressions over them with the
loops of `kernels` and the PromQL functions of `functions`; `alerts` turns rule groups and series into timelines of
pending and firing; `notify` turns timelines and an Alertmanager's configuration, which `routingfile` reads, into
notifications; `backtest` scores the timelines against incidents.

`report` shows both, `pipeline` is the straight line through them, one short function per command, and `cli` reads
the arguments.
"""
