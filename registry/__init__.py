"""Packaging, policy, judge, ledger, promotion and rollback of contenders."""
