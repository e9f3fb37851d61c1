"""Parquet files to samples and back: the only room that imports pyarrow."""
