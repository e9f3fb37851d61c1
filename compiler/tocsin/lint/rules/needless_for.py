"""`for: 0s` says what is so without it, and looks like a wait.

Alerts fire at once unless `for` says otherwise, and resolve at once unless `keep_firing_for` does. A reader who sees
the line stops to look what it means.

Source: cloudflare/pint, `alerts/for`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopCertificateExpires
            expr: shop_certificate_expiry_seconds - time() < 14 * 86400
            for: 0m
            labels: {severity: warning}
            annotations:
              summary: The certificate of the shop expires within two weeks
              description: '{{ $labels.instance }}: {{ $value | humanizeDuration }} are left.'
              runbook_url: https://runbooks.example.com/shop#certificate

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopCertificateExpires
            expr: shop_certificate_expiry_seconds - time() < 14 * 86400
            labels: {severity: warning}
            annotations:
              summary: The certificate of the shop expires within two weeks
              description: '{{ $labels.instance }}: {{ $value | humanizeDuration }} are left.'
              runbook_url: https://runbooks.example.com/shop#certificate
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.fixes import without_line


@lint_rule(Severity.INFO)
def check(subject: Subject) -> Iterator[Finding]:
    written = {"for": subject.rule.for_, "keep_firing_for": subject.rule.keep_firing_for}
    for key, length in written.items():
        if length == 0 and key in subject.rule.places and not subject.planned:
            value = subject.place(key).text.strip()
            span = subject.place(key if value else "alert")
            message = f"`{f'{key}: {value}'.rstrip()}` is the default"
            fix = without_line(subject.place(key), key)
            yield Finding(message, span, "not needed", "remove the line", fix=fix)
