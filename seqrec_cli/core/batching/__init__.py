"""Histories and rows as batches of tensors."""
