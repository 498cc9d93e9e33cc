"""Tasks to learn, as functions of a key: sequences, word problems, arithmetic, splits of a set."""
