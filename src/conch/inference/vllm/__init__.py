"""vLLM's own server: its environment, its process, and what keeps it from outliving us.

Nothing here is imported from vLLM: it lives in an environment of its own and is spoken to over HTTP.
"""
