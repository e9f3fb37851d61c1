"""The rules on Alertmanager's configuration, and on the way that alerts take through it."""
