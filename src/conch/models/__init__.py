"""Files → model and tokenizer."""
