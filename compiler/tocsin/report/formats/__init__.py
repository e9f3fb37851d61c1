"""The formats that a check's problems can be written in, for programs: the file `sarif.py` is `--format sarif`."""
