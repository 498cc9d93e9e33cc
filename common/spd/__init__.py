"""Symmetric positive definite matrices: functions of them, and three geometries with means."""
