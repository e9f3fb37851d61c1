"""From what a spec means to the rules that say it: lower a Spec to a Plan, emit the Plan as a RuleGroup."""
