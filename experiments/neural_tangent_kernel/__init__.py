"""Neural tangent kernel: wide networks train like kernel regression with a constant kernel."""
