"""A gateway: one address before several servers, each with models of its own.

Nothing is computed here. Keys, bounds, errors and request ids are those of every server of ours.
"""
