"""Text in, text out, around any engine that turns token ids into token ids."""
