// One contestant's card: its score, its wires, its last minute, and what the last strike cost.
//
// Invariant: whatever comes from the server is put in as text. Next: wires.js, timeline.js, words.js, its parts.

import { Timeline } from "./timeline.js";
import { Wires } from "./wires.js";
import { grouped, verdict } from "./words.js";

// Ticks that say how it is doing now.
const RECENT = 10;

const element = (name, className, text = "") => {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
};

export class Contestant {
  constructor(told, pace, tick_ms, wish) {
    this.name = told.name;
    this.pace = pace;
    this.recent = [];
    this.card = element("article", "card");
    this.card.dataset.contestant = told.name;
    this.head(told);
    const place = element("div", "wires");
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", `Wires of ${told.name}, from client to server`);
    const ends = element("p", "ends");
    ends.append(element("span", "", "client"), element("span", "", "server"));
    ends.setAttribute("aria-hidden", "true");
    // HTTP/1.1 needs a wire for each worker; one more while one is replaced.
    this.wires = new Wires(place, told.protocol === "h2" ? 2 : pace.workers + 1, wish);
    this.more = element("p", "soft more");
    const timeline = element("div", "timeline");
    const canvas = element("canvas", "");
    timeline.append(canvas);
    timeline.setAttribute("aria-hidden", "true");
    const axis = element("p", "axis soft");
    this.since = element("span", "");
    axis.append(this.since, element("span", "", "now"));
    axis.setAttribute("aria-hidden", "true");
    this.outcome = element("p", "outcome");
    this.card.append(ends, place, this.more, this.outcome, timeline, axis);
    this.timeline = new Timeline(canvas, Math.ceil((pace.timeout_ms + pace.think_ms) / tick_ms) + 1);
    this.timeline.begin(told.history);
    this.recent = told.history.slice(-RECENT);
    this.show(told.now);
  }

  head(told) {
    const head = element("header", "");
    const title = element("h2", "", told.name);
    title.id = `c-${told.name}`;
    this.card.setAttribute("aria-labelledby", title.id);
    this.version = element("span", "soft version");
    this.spoken = told.protocol === "h2" ? "HTTP/2" : "HTTP/1.1";
    this.pill = element("span", "pill");
    const score = element("p", "score");
    this.lost = element("b", "lost");
    this.answered = element("b", "answered");
    const pair = (figure, word) => {
      const pair = element("span", "");
      pair.append(figure, ` ${word}`);
      return pair;
    };
    score.append(pair(this.lost, "lost"), pair(this.answered, "answered"));
    head.append(title, this.pill, this.version, score);
    head.title = told.about;
    this.card.append(head);
  }

  tick(now) {
    this.recent.push(now.tick);
    if (this.recent.length > RECENT) this.recent.shift();
    this.timeline.add(now.tick);
    this.show(now);
  }

  show(now) {
    this.now = now;
    this.version.textContent = `${this.spoken}${now.version ? ` · ${now.version}` : ""}`;
    this.lost.textContent = grouped(now.lost);
    this.answered.textContent = grouped(now.answered);
    this.wires.show(now.wires);
    this.more.textContent = now.more_wires > 0 ? `and ${now.more_wires} more wires` : "";
    this.since.textContent = `${Math.round(this.timeline.room() / 10)} s ago`;
    this.verdict = verdict(now.strike, this.pace);
    const runs = now.stage === "running";
    this.outcome.textContent = runs ? this.verdict.text : now.reason || "Starting.";
    this.outcome.className = `outcome ${runs ? this.verdict.kind : "none"}`;
    const health = this.health();
    this.pill.textContent = health.words;
    this.pill.className = `pill ${health.look}`;
    this.card.dataset.health = health.look;
    this.card.dataset.stage = now.stage;
  }

  health() {
    if (this.now.stage !== "running") return { look: "idle", words: this.now.stage };
    const sum = (place) => this.recent.reduce((sum, tick) => sum + tick[place], 0);
    const [answered, lost] = [sum(0), sum(1)];
    if (lost === 0) return answered > 0 ? { look: "well", words: "all answered" } : { look: "idle", words: "waiting" };
    return answered === 0 ? { look: "bad", words: "all lost" } : { look: "torn", words: "some lost" };
  }
}
