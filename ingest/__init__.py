"""From files to committed batches: this package knows formats; ``qa`` knows articles and answers."""
