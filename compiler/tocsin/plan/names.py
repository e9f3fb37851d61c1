"""Every label, annotation and name that compiled rules carry."""

SERVICE = "service"
OWNER = "owner"
SEVERITY = "severity"
INDICATOR = "indicator"

SUMMARY = "summary"
DESCRIPTION = "description"
ACTION = "action"
RUNBOOK = "runbook_url"


def no_data_alert(service: str, indicator: str) -> str:
    """The name of the alert that tells of an indicator's vanished series: `CheckoutErrorsNoData`."""
    return "".join(_camel(part) for part in (service, indicator)) + "NoData"


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").split("_"))


def runbook_section(runbook: str, alert: str) -> str:
    """Each alert links to its own section of the service's runbook."""
    return runbook if not runbook or "#" in runbook else f"{runbook}#{alert.lower()}"
