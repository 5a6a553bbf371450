"""Commands of `flask`: keys, tables, what is removed."""
