"""Every label, annotation and name that compiled rules carry."""

import tocsin.accounts as accounts
from tocsin.duration import format_duration

SERVICE = accounts.SERVICE
OWNER = "owner"
SEVERITY = "severity"
INDICATOR = "indicator"
OBJECTIVE = accounts.OBJECTIVE
BURN = accounts.BURN
PERIOD = accounts.PERIOD

SUMMARY = "summary"
DESCRIPTION = "description"
ACTION = "action"
RUNBOOK = "runbook_url"
POLICY = "policy"

BAD_EVENTS = accounts.BAD_EVENTS
GOOD_EVENTS = "slo:good_events:count"
TOTAL_EVENTS = accounts.TOTAL_EVENTS
SLICE = "slo:slice:value"
BAD_IN_PERIOD = "slo:bad_events:period"
TOTAL_IN_PERIOD = "slo:total_events:period"
PERIOD_START = "slo:period_start:timestamp_seconds"
NEAR_START = "slo:period_start:near_seconds"
LOCAL_TIME = "slo:local_time:seconds"
COVERED = "slo:period_covered:ratio"
SPENT = accounts.SPENT
REMAINING = "slo:error_budget_remaining:ratio"
TARGET = accounts.TARGET
INFO = accounts.INFO


def error_ratio(window: int) -> str:
    """The share of bad events in a window in ms: `slo:error_ratio:1h`."""
    return f"slo:error_ratio:{format_duration(window)}"


def coarse(events: str, step: int) -> str:
    """Events in steps of `step` ms, of which a period has few enough to add up: `slo:bad_events:count4m`."""
    return f"{events}{format_duration(step)}"


def burn_alert(service: str, objective: str, tier: str) -> str:
    """The name of a burn-rate alert: `CheckoutAvailabilityFastBurn`."""
    return "".join(_camel(part) for part in (service, objective, tier)) + "Burn"


def objective_alert(service: str, objective: str, what: str) -> str:
    """The name of another alert of an objective: `CheckoutAvailabilityBudgetSpent`."""
    return "".join(_camel(part) for part in (service, objective)) + what


def no_data_alert(service: str, indicator: str) -> str:
    """The name of the alert that tells of an indicator's vanished series: `CheckoutErrorsNoData`."""
    return "".join(_camel(part) for part in (service, indicator)) + "NoData"


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").split("_"))


def runbook_section(runbook: str, alert: str) -> str:
    """Each alert links to its own section of the service's runbook."""
    return runbook if not runbook or "#" in runbook else f"{runbook}#{alert.lower()}"
