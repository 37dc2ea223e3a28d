"""Search: trainings whose settings an optimiser chooses from what came of those before."""
