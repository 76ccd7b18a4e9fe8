"""A model of the whole: the real code of matches, subscriptions and broadcaster, scheduled one side effect at a time.

Everything runs in one process and one thread, and only the schedule moves the clock. So a schedule is a list of
choices, which hypothesis makes, repeats and shortens (docs/reliability.md).
"""
