"""The fast paths: each small, separate, and equal to the plain computation it replaces."""
