"""A tuned model → files that others read, with proof that they answer as it does."""
