"""Tools for those who work on Dateline; not part of the wheel."""
