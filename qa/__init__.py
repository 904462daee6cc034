"""Dateline's answering library: articles in, cited answers out. Knows neither HTTP nor file formats."""
