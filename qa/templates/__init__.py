"""Prompt templates, as text files."""
