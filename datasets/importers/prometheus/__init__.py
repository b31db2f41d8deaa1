"""Prometheus and what speaks its HTTP API: questions, label rules, fetching, answers, alert history."""
