"""AuON audited: a scalar in place of orthogonalisation, beside SGD, Muon and AdamW."""
