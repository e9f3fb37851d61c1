"""The Alertmanager over time: timelines of alerts and a configuration to the notifications that would be sent."""
