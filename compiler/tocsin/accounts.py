"""The labels and series by which the account of an objective is known: where its rules and a verdict on them meet."""

SERVICE = "service"
OBJECTIVE = "objective"
BURN = "burn"
"""Which tier an alert is: a burn rate's name, or `spent` where the whole budget is."""

PERIOD = "period"
"""The label of the info series with the period: a duration, or one of `CALENDAR`."""

BAD_EVENTS = "slo:bad_events:count"
TOTAL_EVENTS = "slo:total_events:count"
TARGET = "slo:target:ratio"
SPENT = "slo:error_budget_spent:ratio"
INFO = "slo:info"

DAY = 86_400_000

CALENDAR = {"week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY}
"""How long the units of the calendar are taken to be, in milliseconds."""
