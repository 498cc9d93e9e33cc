"""Diffusion models hallucinate between neighbouring modes (Aithal, Maini, Lipton, Kolter 2024)."""
