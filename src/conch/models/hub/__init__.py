"""Where models come from: one file per source, each giving a local path. They don't know one another."""
