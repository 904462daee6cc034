"""Files of questions in, files of answers out."""
