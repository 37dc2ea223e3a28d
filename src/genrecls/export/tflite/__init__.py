"""Reading and mending TFLite files: operators, memory, arithmetic."""
