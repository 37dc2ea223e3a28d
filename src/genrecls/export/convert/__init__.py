"""From a Keras network to a TFLite file, in a process of its own."""
