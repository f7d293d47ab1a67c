"""The Export tab: the queue of tomograms and outputs."""
