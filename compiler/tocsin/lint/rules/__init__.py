"""The rules: the file `single_event.py` is the rule `noise/single-event`, and its docstring is the rule's page.

A page says what is wrong and why, names its source, and shows a `Bad::` and a `Good::` spec, which the tests lint.
"""
