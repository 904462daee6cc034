"""What people and programs touch: the command line, the HTTP service, files of questions and answers."""
