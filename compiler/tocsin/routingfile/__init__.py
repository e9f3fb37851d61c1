"""Alertmanager's configuration files: read as strictly as Alertmanager reads them, and printed."""
