// The page: what its reader does, and what is shown.

import { decode } from "./audio.js";
import { Curve, clock, drawBars, percent, ranked } from "./chart.js";
import { Classifier, isSilent } from "./classifier.js";
import { Microphone } from "./microphone.js";
import { Network } from "./network.js";
import { mean } from "./segments.js";

// Segments of the microphone that the curve shows.
const RECENT = 100;

const part = (id) => document.getElementById(id);
const player = part("player");
const curve = new Curve(part("curve"));

let classifier = null;
let microphone = null;
// The song that is shown, for a reader who chooses anew when not to answer.
let song = null;
let work = new AbortController();

async function start() {
  say("Loading the network …");
  try {
    const answer = await fetch("model.json");
    if (!answer.ok) throw new Error(`model.json: ${answer.status}`);
    const model = await answer.json();
    classifier = new Classifier(model, await Network.load("model.tflite", model.input.shape));
  } catch (error) {
    refuse(`The network cannot be started: ${error.message}`);
    say("");
    return;
  }
  for (const control of [part("file"), part("microphone")]) control.disabled = false;
  say("Ready.");
}

/** Show the genre of a file. */
async function hear(file) {
  if (!classifier) return;
  const { signal } = begin();
  const { grid } = classifier.model;
  try {
    say(`Decoding ${file.name} …`);
    const samples = await decode(file, grid.rate, signal);
    const progress = (done) => say(`Listening to ${file.name}: ${percent(done)}`);
    const answer = await classifier.track(samples, progress, signal);
    player.src = URL.createObjectURL(file);
    song = { title: file.name, answer };
    showSong();
  } catch (error) {
    if (signal.aborted) return;
    refuse(`${file.name}: ${error.message}`);
    say("Ready.");
  }
}

/** Show the song with `unknown` and the set of genres, as its reader has chosen them. */
function showSong() {
  const { title, answer } = song;
  const { labels } = classifier.model;
  const { decision, probabilities } = answer;
  show(title, answer);
  const sure = least("accuracy");
  if (sure !== null && probabilities[decision] < sure) {
    part("genre").textContent = "unknown";
    part("share").textContent = `perhaps ${labels[decision]}, ${percent(probabilities[decision])}`;
  }
  const inSet = least("coverage");
  if (inSet !== null) {
    const order = ranked(probabilities);
    const inside = order.filter((index, place) => !place || probabilities[index] >= inSet);
    part("set").textContent = `One of: ${inside.map((index) => labels[index]).join(", ")}`;
    part("set").hidden = false;
  }
  say(`${title}: ${part("genre").textContent}, ${part("share").textContent}.`);
}

/** Return the least probability that is chosen in a list; null for none. */
function least(id) {
  const value = part(id)?.value;
  return value ? Number(value) : null;
}

/** Listen to the microphone until it is stopped. */
async function listen() {
  const { labels, limits, smoothed } = classifier.model;
  begin();
  const heard = [];
  let recent = [];
  const length = classifier.segmenter.seconds(classifier.model.grid.cut.length);
  const own = new Microphone(classifier.model.grid, async (window, begun) => {
    if (isSilent(window, limits.silence)) {
      say("Silence.");
      return;
    }
    const probabilities = await classifier.window(window);
    if (microphone !== own) return;
    recent = [...recent, probabilities].slice(-smoothed);
    heard.push({ start: begun, end: begun + length, probabilities: mean(recent) });
    const latest = heard[heard.length - 1];
    const decision = latest.probabilities.indexOf(Math.max(...latest.probabilities));
    show("Microphone", { ...latest, decision, segments: heard.slice(-RECENT) });
    say(`${clock(latest.end)} ${labels[decision]}, ${percent(latest.probabilities[decision])}.`);
  });
  microphone = own;
  toggle(true);
  try {
    await own.open();
    if (microphone !== own) own.close();
    else say(`Listening; the first answer comes after ${length.toFixed(1)} s.`);
  } catch (error) {
    stop();
    refuse(`The microphone cannot be used: ${error.message}.`);
    say("Ready.");
  }
}

/** End what is under way, and clear what it has shown. */
function begin() {
  work.abort();
  work = new AbortController();
  stop();
  refuse("");
  song = null;
  part("answer").hidden = true;
  URL.revokeObjectURL(player.src);
  player.removeAttribute("src");
  return work;
}

function stop() {
  microphone?.close();
  microphone = null;
  toggle(false);
}

function toggle(on) {
  part("microphone").setAttribute("aria-pressed", String(on));
  part("microphone").textContent = on ? "Stop listening" : "Use the microphone";
}

function show(title, { decision, probabilities, segments }) {
  const { labels } = classifier.model;
  part("title").textContent = title;
  part("genre").textContent = labels[decision];
  part("share").textContent = percent(probabilities[decision]);
  part("set").hidden = true;
  drawBars(part("bars"), labels, probabilities);
  curve.draw(labels, segments);
  part("segments").replaceChildren(
    ...segments.map((one) => {
      const row = document.createElement("tr");
      const likeliest = one.probabilities.indexOf(Math.max(...one.probabilities));
      const cells = [`${clock(one.start)}–${clock(one.end)}`, labels[likeliest], percent(one.probabilities[likeliest])];
      row.append(
        ...cells.map((content) => {
          const cell = document.createElement("td");
          cell.textContent = content;
          return cell;
        })
      );
      return row;
    })
  );
  player.hidden = !player.hasAttribute("src");
  part("answer").hidden = false;
}

function say(text) {
  part("status").textContent = text;
}

function refuse(text) {
  part("error").textContent = text;
  part("error").hidden = !text;
}

part("file").addEventListener("change", ({ target }) => {
  if (target.files.length) hear(target.files[0]);
  // The same file can be chosen again.
  target.value = "";
});
part("microphone").addEventListener("click", () => {
  if (microphone) {
    stop();
    say("Ready.");
  } else listen();
});
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    part("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) hear(event.dataTransfer.files[0]);
  });
}
// A model that does not say what it answered to songs that it had not heard has no such lists.
part("sure")?.addEventListener("change", () => {
  const lines = ["accuracy", "coverage"].map((id) => part(id).selectedOptions[0].dataset.about);
  const rests = lines.filter(Boolean).map((line) => `${line[0].toUpperCase()}${line.slice(1)}.`);
  part("rests").textContent = [...rests, "The microphone always has an answer."].join(" ");
  part("rests").hidden = !rests.length;
  if (song) showSong();
});
player.addEventListener("timeupdate", () => curve.point(player.currentTime));
part("curve").querySelector("svg").addEventListener("click", (event) => {
  if (player.hasAttribute("src")) player.currentTime = curve.timeAt(event);
});

start();
