"""Go's text/template language as Prometheus has it: labels and annotations of alerts to what they say."""
