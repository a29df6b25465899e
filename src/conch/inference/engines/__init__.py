"""One self-contained file each. They don't know one another."""
