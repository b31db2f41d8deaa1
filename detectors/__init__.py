"""Contenders: features, detector families, alert policy, correlators, paging rule, and the laws they keep."""
