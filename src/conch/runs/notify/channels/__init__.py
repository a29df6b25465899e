"""One file per way of telling, each with `send(settings, message, seconds)`, which raises where it fails."""
