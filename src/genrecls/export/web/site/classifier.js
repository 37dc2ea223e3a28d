// From the samples of a track to its genre.

import { Breaks } from "./breaks.js";
import { FrontEnd } from "./front_end.js";
import { Segmenter, decide, mean, piece } from "./segments.js";

/** Classifies tracks and windows of sound that is still arriving. */
export class Classifier {
  /**
   * @param {object} model content of model.json
   * @param {{probabilities: (values: Float32Array) => Promise<number[]>}} network
   */
  constructor(model, network) {
    this.model = model;
    this.network = network;
    this.segmenter = new Segmenter(model.grid);
    this.frontEnd = model.front_end && new FrontEnd(model.front_end);
  }

  /**
   * Return the answer to a whole track.
   *
   * @param {Float32Array} samples mono, at the rate of the model
   * @param {(done: number) => void} progress receives 0 to 1
   * @param {AbortSignal} signal
   * @returns {Promise<{decision: number, probabilities: number[], segments: object[]}>}
   */
  async track(samples, progress, signal) {
    const { limits, grid, vote } = this.model;
    const seconds = samples.length / grid.rate;
    if (seconds < limits.min_seconds) {
      throw new Error(`it has ${seconds.toFixed(2)} s of sound; at least ${limits.min_seconds} s are needed`);
    }
    if (isSilent(samples, limits.silence)) throw new Error("every sample of it is zero");
    const level = 10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    if (level < limits.level) {
      throw new Error(`its level is ${Math.round(level)} dB of full scale, below ${limits.level}`);
    }
    const track = this.segmenter.repeated(samples);
    const starts = this.segmenter.starts(track);
    const inputOf = this.inputs(track, starts);
    const segments = [];
    const breaks = new Breaks(signal);
    for (const start of starts) {
      const probabilities = await this.network.probabilities(inputOf(start));
      const begin = this.segmenter.seconds(start);
      const end = Math.min(begin + this.segmenter.seconds(grid.cut.length), seconds);
      segments.push({ start: begin, end, probabilities });
      if (await breaks.take()) progress(segments.length / starts.length);
    }
    const answers = segments.map((one) => one.probabilities);
    return { decision: decide(answers, vote), probabilities: mean(answers), segments };
  }

  /** Return what makes the input of the network for the segment that begins at a step. */
  inputs(track, starts) {
    const { grid, limits, input } = this.model;
    if (!grid.in_frames || !this.frontEnd || track.length > limits.whole_seconds * grid.rate) {
      return (start) => this.inputOfWindow(this.segmenter.window(track, start));
    }
    // The whole track is transformed, for levels may be relative to its loudest; a short rest is
    // filled with silence.
    const end = starts[starts.length - 1] + grid.cut.length;
    const missing = Math.max(0, end - this.frontEnd.frames(track.length)) * grid.step;
    const whole = this.frontEnd.transform(piece(track, 0, track.length + missing));
    const values = input.shape.reduce((product, size) => product * size, 1);
    const width = values / grid.cut.length;
    return (start) => piece(whole, start * width, values);
  }

  /** Return the probabilities of one window of samples (`grid.window.length`). */
  async window(samples) {
    return this.network.probabilities(this.inputOfWindow(samples));
  }

  inputOfWindow(samples) {
    return this.frontEnd ? this.frontEnd.transform(samples, this.model.grid.in_frames) : samples;
  }
}

export function isSilent(samples, silence) {
  return samples.every((value) => Math.abs(value) < silence);
}
