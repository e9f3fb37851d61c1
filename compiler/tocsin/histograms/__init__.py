"""Native histograms as values: their notation to them, arithmetic on them, and what is estimated from their buckets."""
