"""The rules on one alert or recording rule: the file `single_event.py` is the rule `noise/single-event`."""
