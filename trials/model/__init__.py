"""A model of the whole: the real code of matches, subscriptions and broadcaster, scheduled one side effect at a time.

Everything runs in one process and one thread, on a clock that only moves when it is told to. So a schedule is a list of
choices, which hypothesis makes, repeats and shortens (docs/reliability.md).
"""
