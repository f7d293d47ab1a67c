"""Networks that Keras saved as HDF5: read without TensorFlow, and without running anything that is in the file."""
