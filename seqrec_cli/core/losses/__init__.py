"""Losses: functions of scores, each beside its settings."""
