// The exported network, run by LiteRT.js.

import { Tensor, loadAndCompile, loadLiteRt } from "./litert/index.js";

/** A network with one input, batch size 1. */
export class Network {
  constructor(compiled, shape) {
    this.compiled = compiled;
    this.shape = [1, ...shape];
  }

  /**
   * Start LiteRT.js and read a network.
   *
   * @param {string} file a .tflite
   * @param {number[]} shape of its input, without the batch axis
   */
  static async load(file, shape) {
    await loadLiteRt(new URL("./litert/wasm/", import.meta.url).href);
    return new Network(await loadAndCompile(file, { accelerator: "wasm" }), shape);
  }

  /** Return the probabilities of a segment. */
  async probabilities(values) {
    const input = new Tensor(values, this.shape);
    try {
      const [output] = await this.compiled.run([input]);
      const answer = Array.from(await output.data());
      output.delete();
      return answer;
    } finally {
      input.delete();
    }
  }
}
