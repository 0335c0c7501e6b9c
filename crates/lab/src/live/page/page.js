// Begins here: listens to the lab, shows what it tells, and asks it to cut, stall, delay and restore.
//
// Invariant: the page shows what the lab says and nothing of its own; a click changes nothing here until the lab tells so.
// Next: contestant.js, a card; words.js, what is said.

import { Contestant } from "./contestant.js";
import { announcement, done } from "./words.js";

const token = document.querySelector("meta[name=netsplit-token]").content;
const notice = document.getElementById("notice");
const said = document.getElementById("said");

// Until the first verdict on a strike is said aloud: by then most clients have recovered, or never will.
const SETTLED_MS = 3000;
// Ticks between two looks at what there is to say: verdicts that come together are said together.
const ALOUD = 10;
// Between two tries when the lab does not answer.
const AGAIN_MS = 2000;

let start = null;
let last = 0;
let contestants = [];

function listen() {
  const events = new EventSource("/api/events");
  events.addEventListener("snapshot", (event) => begin(JSON.parse(event.data)));
  events.addEventListener("tick", (event) => tick(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    // What is shown is old from now on, and looks so.
    delete document.body.dataset.ready;
    tell("The lab does not answer: it has ended, or too many pages watch. Trying again…");
    // The browser tries again by itself, unless it was refused.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

function begin(snapshot) {
  // A lab that was started anew does not know this page's token.
  if (start !== null && start !== snapshot.start) return location.reload();
  start = snapshot.start;
  last = snapshot.n;
  tell("");
  const { workers, timeout_ms, think_ms } = snapshot.pace;
  document.getElementById("pace").textContent =
    `Each client sends the same load to a healthy server of its own: ${workers} at a time, ` +
    `${timeout_ms} ms each, pauses of ${think_ms} ms.`;
  contestants = snapshot.contestants.map((told) => {
    const wish = async (wire, what) => {
      const deed = meant(wire, what);
      const is = deed.do === "restore" ? "restored" : done(deed);
      if (await ask(told.name, wire, deed)) say(`Wire ${wire.wire} of ${told.name} is ${is}.`);
    };
    return new Contestant(told, snapshot.pace, snapshot.tick_ms, wish);
  });
  document.getElementById("contestants").replaceChildren(...contestants.map(({ card }) => card));
  document.body.dataset.ready = "true";
}

function tick({ n, contestants: now }) {
  if (n <= last) return;
  last = n;
  contestants.forEach((contestant, place) => contestant.tick(now[place]));
  if (n % ALOUD === 0) announce();
}

// What a click means follows from the wire; a key says it.
function meant(wire, what) {
  if (what === "click") what = wire.state === "live" ? chosen() : "restore";
  if (what === "stall") return { do: document.getElementById("stall").value };
  return what === "delay" ? { do: what, ms: Number(document.getElementById("delay").value) } : { do: what };
}

// Whether it was done.
async function ask(name, { wire }, deed) {
  try {
    const answer = await fetch(`/api/contestants/${encodeURIComponent(name)}/wires/${wire}`, {
      method: "POST",
      headers: { "content-type": "application/json", "netsplit-token": token },
      body: JSON.stringify(deed),
    });
    if (!answer.ok) throw new Error((await answer.json()).error);
    tell("");
    return true;
  } catch (error) {
    tell(`Wire ${wire} of ${name}: ${error.message}.`);
    return false;
  }
}

// Aloud, once a strike has shown its cost, and once more when losses end after that.
function announce() {
  const news = [];
  for (const contestant of contestants) {
    const { now, verdict, name } = contestant;
    if (!now.strike || now.strike.ago_ms < SETTLED_MS) {
      contestant.told = null;
    } else if (contestant.told === null || (contestant.told === "bad" && verdict.kind !== "bad")) {
      contestant.told = verdict.kind;
      news.push(announcement(name, now.strike, verdict.kind));
    }
  }
  if (news.length > 0) say(news.join(" "));
}

function say(words) {
  said.textContent = words;
}

function tell(words) {
  notice.hidden = words === "";
  if (notice.textContent !== words) notice.textContent = words;
}

const strikeEach = document.getElementById("strike-each");
strikeEach.addEventListener("click", () => {
  const deed = meant(null, chosen());
  for (const { name, wires } of contestants) {
    const [busiest] = wires.live();
    if (busiest) ask(name, busiest, deed);
  }
  say(`One wire of each is ${done(deed)}.`);
});
document.getElementById("restore-all").addEventListener("click", () => {
  for (const { name, wires } of contestants) for (const wire of wires.struck()) ask(name, wire, { do: "restore" });
  say("All wires are restored.");
});

function chosen() {
  return document.querySelector("input[name=deed]:checked").value;
}

// The style sheet shows on a wire what a click would do.
function choose() {
  document.body.dataset.deed = chosen();
  const word = { cut: "Cut", stall: "Stall", delay: "Delay" }[chosen()];
  strikeEach.textContent = `${word} one wire of each`;
}
for (const choice of document.querySelectorAll("input[name=deed]")) choice.addEventListener("change", choose);
for (const deed of ["stall", "delay"]) {
  document.getElementById(deed).addEventListener("change", () => {
    document.querySelector(`input[name=deed][value=${deed}]`).checked = true;
    choose();
  });
}
choose();

listen();
