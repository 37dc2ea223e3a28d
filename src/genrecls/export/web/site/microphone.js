// The windows of a stream from the microphone: genrecls.runtime.live.

import { resample } from "./resample.js";
import { piece } from "./segments.js";

/** Cuts what a microphone hears into windows at the rate of the model. */
export class Microphone {
  /**
   * @param {object} grid of model.json
   * @param {(window: Float32Array, start: number) => Promise<void>} hear is given each window, and
   *   when its segment began, in seconds
   */
  constructor(grid, hear) {
    this.grid = grid;
    this.hear = hear;
    this.count = 0;
    this.busy = false;
  }

  /** Start to listen. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode) {
      throw new Error("a browser gives a page the microphone at https:// and localhost alone");
    }
    // What makes speech clearer is no music.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    } catch (error) {
      const reasons = {
        NotAllowedError: "the browser was not allowed to use it",
        NotFoundError: "there is none",
        NotReadableError: "another program uses it",
      };
      throw new Error(reasons[error.name] ?? error.message);
    }
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("./recorder.js", import.meta.url));
    const { window, cut, step, rate } = this.grid;
    const scale = this.context.sampleRate / rate;
    this.length = Math.ceil(window.length * scale);
    this.hop = Math.min(cut.hop, cut.length) * step * scale;
    this.buffer = new Float32Array(Math.round(window.margin * scale));
    this.first = 0;
    const recorder = new AudioWorkletNode(this.context, "recorder");
    recorder.port.onmessage = ({ data }) => this.push(data);
    this.context.createMediaStreamSource(this.stream).connect(recorder);
    await this.context.resume();
  }

  /** Stop listening. */
  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.context = null;
  }

  push(block) {
    const buffer = new Float32Array(this.buffer.length + block.length);
    buffer.set(this.buffer);
    buffer.set(block, this.buffer.length);
    this.buffer = buffer;
    // Where the browser is too slow, windows are left out instead of answered ever later.
    while (this.first + this.buffer.length >= Math.round(this.count * this.hop) + this.length) {
      const begin = Math.round(this.count * this.hop) - this.first;
      if (!this.busy) this.answer(this.buffer.slice(begin, begin + this.length), this.count);
      this.count += 1;
      const unused = Math.max(0, Math.min(Math.round(this.count * this.hop) - this.first, this.buffer.length));
      this.buffer = this.buffer.slice(unused);
      this.first += unused;
    }
  }

  async answer(samples, number) {
    const { window, cut, step, rate } = this.grid;
    this.busy = true;
    try {
      const resampled = await resample(samples, this.context.sampleRate, rate);
      await this.hear(piece(resampled, 0, window.length), (number * Math.min(cut.hop, cut.length) * step) / rate);
    } finally {
      this.busy = false;
    }
  }
}
