"""Incidents as the person sees them who was woken by one."""
