"""Sized faults planted into a copy of real telemetry, and taken out of it again."""
