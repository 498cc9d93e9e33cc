"""Records with every key that a reader demands, for tests that write one by hand."""

RUN = {
    "schema": 1, "experiment": "toy", "preset": "laptop", "overrides": {}, "config": {"seeds": [0]},
    "identity": "0", "fingerprint": {"compute": "1", "measure": "1"}, "versions": {},
    "status": "failed",
}  # fmt: skip
LINE = {
    "schema": 1, "id": "a", "preset": "laptop", "state": "pass", "level": "theory", "word": "HOLDS",
    "reason": "", "estimate": None, "low": None, "high": None, "parts": [], "per_seed": [], "n": 5,
    "needed": None, "mutants": [], "claim": "2", "thresholds": "3", "headline": True,
    "overrides": {}, "seeds": [1000], "control": "fails", "control_value": None, "run": "r",
    "identity": "0", "data": {}, "date": "2026-01-01T00:00:00Z", "commit": "0123456789",
    "dirty": "", "versions": {"jax": "0.10.2"}, "seconds": 1.0,
    "devices": {"platform": "cpu", "kind": "cpu", "count": 1, "processes": 1},
    "fingerprint": {"compute": "1", "measure": "1"},
}  # fmt: skip
CARRIED = {
    "schema": 1, "kind": "carried", "preset": "laptop", "claims": ["a", "gone"],
    "from": "0123456789", "to": "f" * 40, "dirty": "", "date": "2026-01-01T00:00:00Z",
    "compared": {"preset": "smoke", "seeds": [[0], [1]], "arrays": 2}, "onto": "", "repeats": {},
    "fingerprint": {"compute": "2", "measure": "2"}, "definitions": {"x": "1", "y": None},
}  # fmt: skip
