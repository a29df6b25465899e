"""The words that every layer speaks. Standard library only."""
