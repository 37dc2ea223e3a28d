// Runs the modules of the page under node: each line in is a list of jobs, each line out of answers.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { Classifier } = await load("classifier.js");
const { Segmenter, covering, decide } = await load("segments.js");
const { resample } = await load("resample.js");
const { sampleRate } = await load("audio.js");

const never = new AbortController().signal;

const DO = {
  // The inputs that a network is given for a whole track, and when its segments begin.
  async track({ model, samples }) {
    const inputs = [];
    const network = {
      async probabilities(values) {
        inputs.push(Array.from(values));
        return model.labels.map(() => 1 / model.labels.length);
      },
    };
    const classifier = new Classifier(model, network);
    const { segments } = await classifier.track(Float32Array.from(samples), () => {}, never);
    return { inputs, starts: segments.map((one) => one.start), ends: segments.map((one) => one.end) };
  },
  // The same of windows, as they are cut of what a microphone hears.
  windows({ model, samples, starts }) {
    const classifier = new Classifier(model, null);
    const segmenter = new Segmenter(model.grid);
    return starts.map((start) =>
      Array.from(classifier.inputOfWindow(segmenter.window(Float32Array.from(samples), start)))
    );
  },
  covering: ({ totals, cut }) => totals.map((total) => covering(total, cut)),
  decide: ({ segments, vote }) => decide(segments, vote),
  async resample({ samples, rate, wanted }) {
    return Array.from(await resample(Float32Array.from(samples), rate, wanted));
  },
  rate: ({ bytes }) => sampleRate(Uint8Array.from(Buffer.from(bytes, "base64"))),
};

for await (const line of createInterface({ input: process.stdin })) {
  const answers = [];
  for (const [name, job] of JSON.parse(line)) {
    try {
      answers.push(await DO[name](job));
    } catch (error) {
      answers.push({ error: error.message });
    }
  }
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
