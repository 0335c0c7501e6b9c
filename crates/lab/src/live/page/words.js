// What the page says about a strike, for eyes and for screen readers alike.
//
// Invariant: pure; text only, never markup. Next: contestant.js, which shows it.

const number = new Intl.NumberFormat("en");

/** 1234 as "1,234". */
export const grouped = (n) => number.format(n);

/** 350 as "0.4 s", 12,300 as "12 s". */
export function time(ms) {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.floor(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}

/** What was done: "cut", "stalled (no answers)", "delayed by 60 ms". */
export function done(deed) {
  if (deed.do === "delay") return `delayed by ${deed.ms} ms`;
  return { "stall-down": "stalled (no answers)", "stall-up": "stalled (no requests)" }[deed.do] ?? "cut";
}

/**
 * How a contestant bears it. `kind` is "none" (nothing was done yet), "good" (it lost no more than was in flight), "bad" (it
 * still loses) or "over" (it lost more, and does no more).
 */
export function verdict(strike, pace) {
  if (!strike) return { kind: "none", text: "Untouched. Click a wire." };
  const what = `Wire ${strike.wire} ${done(strike.deed)} ${time(strike.ago_ms)} ago`;
  const back = strike.restored_ago_ms === null ? "" : ` Restored ${time(strike.restored_ago_ms)} ago.`;
  if (strike.lost === 0) return { kind: "good", text: `${what}: nothing lost.${back}` };
  const lost = `${grouped(strike.lost)} lost`;
  // A loss is seen when its timeout has passed, and then the worker rests.
  const quiet = pace.timeout_ms + pace.think_ms + 700;
  if (strike.ago_ms - strike.lost_for_ms < quiet) {
    const still = strike.ago_ms < quiet ? "." : ", and still losing.";
    return { kind: "bad", text: `${what}: ${lost}${still}${back}` };
  }
  const kind = strike.lost <= pace.workers ? "good" : "over";
  return { kind, text: `${what}: ${lost}, the last after ${time(strike.lost_for_ms)}.${back}` };
}

/** The same for a screen reader, without what changes all the time. */
export function announcement(name, strike, kind) {
  if (strike.lost === 0) return `${name}: nothing lost.`;
  return `${name}: ${grouped(strike.lost)} lost${kind === "bad" ? " and still losing" : ", none any more"}.`;
}
