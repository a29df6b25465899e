"""Parts of `benchmarks.train_speed`: settings, rows and models, peers' environments, runs, figures."""
