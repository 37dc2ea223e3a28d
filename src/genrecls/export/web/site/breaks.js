// Breaks in long work, in which the page answers to its reader.

const AT_ONCE_MS = 40;

export class Breaks {
  /** @param {AbortSignal} [signal] ends the work */
  constructor(signal) {
    this.signal = signal;
    this.since = performance.now();
  }

  /** Wait for a moment where the last break was long ago; return whether there was one. */
  async take() {
    const due = performance.now() - this.since > AT_ONCE_MS;
    if (due) {
      await new Promise((resume) => setTimeout(resume));
      this.since = performance.now();
    }
    this.signal?.throwIfAborted();
    return due;
  }
}
