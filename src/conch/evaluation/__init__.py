"""How good a model's answers are: said over a dataset, and held against what was wanted."""
