"""Training: batches, augmentation, the loop and exact checkpoints."""
