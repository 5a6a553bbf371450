"""Routes of the tasks: parse, delegate, answer."""
