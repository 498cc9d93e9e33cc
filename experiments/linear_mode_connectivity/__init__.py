"""Why permutations that match weights join two networks: they align large singular directions."""
