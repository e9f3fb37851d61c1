"""The functions of PromQL: evaluated arguments to a value. One family is one file, one function one `@function`."""
