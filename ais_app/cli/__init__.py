"""The command line: one file per sub-command, options made from the same Params dataclasses as everywhere."""
