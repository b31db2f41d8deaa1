"""Remediation, evaluated and never executed: what rules would have done over a replay log."""
