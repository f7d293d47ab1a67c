"""What a person asks for, from files to files, with provenance.

The window, the command line, scripts and the queue call the same functions, one operation a file.
"""
