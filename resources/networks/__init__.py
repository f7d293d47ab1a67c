"""Networks shipped with the program: a zoo in a folder, see docs/models/zoo.md."""
