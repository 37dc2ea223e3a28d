"""Reading and correcting TFLite files: operators, memory, arithmetic."""
