"""The sizes that are trained, of `common.nn.decoder`: width, layers, heads."""

SIZES = {
    "10m": (512, 3, 8),
    "40m": (768, 6, 12),
    "150m": (1024, 12, 16),
    "600m": (2048, 12, 32),
    "1.2b": (2048, 24, 32),
    "laptop": (32, 2, 2),
    "tiny": (64, 2, 2),
    "smoke": (8, 1, 2),
}
