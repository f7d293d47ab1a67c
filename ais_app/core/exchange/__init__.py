"""Networks for other programs and from them: ONNX, and packages in the format of the BioImage Model Zoo."""
