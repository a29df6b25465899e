"""The studio: Gradio pages around the same functions as the shell's. One file per page, thin."""
