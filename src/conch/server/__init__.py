"""The HTTP API: thin. It turns requests into jobs for a chat, and what comes back into JSON."""
