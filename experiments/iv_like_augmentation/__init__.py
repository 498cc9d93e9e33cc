"""An analysis of causal effect estimation using outcome invariant data augmentation."""
