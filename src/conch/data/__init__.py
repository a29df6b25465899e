"""Rows → conversations → tokens → batches. It is given a tokenizer and never loads one."""
