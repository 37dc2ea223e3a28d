// Hands on what a microphone hears, block by block, channels mixed down.

class Recorder extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) {
      const scale = 1 / channels.length;
      this.port.postMessage(
        channels[0].map((_, i) => channels.reduce((sum, one) => sum + one[i], 0) * scale)
      );
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
