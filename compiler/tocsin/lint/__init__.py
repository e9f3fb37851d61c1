"""Noise: what is refused before it can wake anybody. One rule is one file.

To add a rule, write one file into the room of what it looks at: `rules/` (an alert, or a recording rule), `ruleset/`
(all rules together) or `routing/` (Alertmanager's configuration). The file `single_event.py` is the rule
`noise/single-event`. Its docstring is the rule's page: one sentence that says what is wrong, a paragraph why,
`Source:`, and below `Bad::` and `Good::` a file that `tocsin check` reads: a spec, a rule file, a configuration of
Alertmanager, or several of these with `---` between them. The tests lint both: Bad gives this finding and no other,
Good gives none. The rule itself is a function that yields findings, and its argument's type says what it looks at:

    @lint_rule(Severity.WARNING)
    def check(subject: Subject) -> Iterator[Finding]:
        ...

`Subject` is an alert, `Recording` a recording rule, `AnyRule` both; `RuleSet` and `Routed` are the other two rooms'.
A finding names the place (`subject.span(node)`, `subject.place("for")`), the numbers that decided, and a repair that
can be typed in. A rule that is an error by default hits at most one in fifty of the alerts that people run; where it
cannot be sure, it stays silent. What many rules ask of an expression is an analysis beside this file, remembered by
the node (`memo.once`): `conditions` (when does it fire), `bounds` (which values), `labels` (which labels), `presence`
(has it ever a result), `units`, `metrics` (counter or gauge), `events`, `likeness` (is it the same as another);
`texts` is what its templates read.
"""
