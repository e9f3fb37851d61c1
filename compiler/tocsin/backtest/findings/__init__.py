"""Noise rules on data: the file `flapping.py` is the rule `noise/flapping`, and its docstring is the rule's page.

A page says what is wrong and why, names its source, and shows a `Bad::` and a `Good::` spec for one `Recording::`,
a series an evaluation at a time, on which the tests run both.
"""
