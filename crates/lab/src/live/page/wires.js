// The wires of one contestant, a button each.
//
// Invariant: a row keeps its button, and a wire its row while a pointer or the focus is among them: nothing moves under a
// hand. Next: page.js, which carries out what is asked for.

// Ticks without a request until a wire looks idle.
const IDLE = 5;

const STATES = {
  dialling: "dialling",
  live: "live",
  cut: "cut",
  "stall-down": "no answers",
  "stall-up": "no requests",
  left: "client closed it",
  ended: "server closed it",
};

// States that a hand has made, and can undo.
const STRUCK = ["cut", "stall-down", "stall-up", "late"];

export class Wires {
  /**
   * @param {HTMLElement} place
   * @param {number} kept rows that stay although nothing is in them, so that the page does not jump
   * @param {(wire: object, wish: string) => void} wish told "click", "cut", "stall", "delay" or "restore"
   */
  constructor(place, kept, wish) {
    Object.assign(this, { place, kept, wish, rows: [] });
    while (this.rows.length < kept) this.add();
  }

  show(wires) {
    const shown = new Set(wires.map(({ wire }) => wire));
    for (const row of this.rows) if (!shown.has(row.wire?.wire)) row.clear();
    for (const wire of wires) {
      const row = this.rows.find((row) => row.wire?.wire === wire.wire) ?? this.free();
      row.show(wire);
    }
    if (!this.place.matches(":hover, :focus-within")) this.tidy();
  }

  // Empty rows come last, and few are left.
  tidy() {
    const empty = this.rows.filter((row) => !row.wire);
    if (empty.length === 0) return;
    const full = this.rows.filter((row) => row.wire);
    const tidied = [...full, ...empty].slice(0, Math.max(this.kept, full.length));
    if (tidied.length === this.rows.length && tidied.every((row, n) => row === this.rows[n])) return;
    this.rows = tidied;
    this.place.replaceChildren(...tidied.map((row) => row.button));
  }

  free() {
    return this.rows.find((row) => !row.wire) ?? this.add();
  }

  add() {
    const row = new Row(this.wish);
    this.rows.push(row);
    this.place.append(row.button);
    return row;
  }

  /** Live wires, the busiest first. */
  live() {
    const live = this.rows.filter((row) => row.wire?.state === "live");
    return live.sort((a, b) => b.flow - a.flow).map((row) => row.wire);
  }

  /** Wires that something was done to. */
  struck() {
    return this.rows.map((row) => row.wire).filter((wire) => STRUCK.includes(wire?.state));
  }
}

class Row {
  constructor(wish) {
    this.button = document.createElement("button");
    this.button.type = "button";
    const part = (name) => {
      const part = document.createElement("span");
      part.className = name;
      this.button.append(part);
      return part;
    };
    this.id = part("id");
    part("line").append(part("gap"));
    this.state = part("state");
    this.button.addEventListener("click", () => this.canChange() && wish(this.wire, "click"));
    this.button.addEventListener("keydown", (event) => {
      const key = { c: "cut", s: "stall", d: "delay", r: "restore" }[event.key.toLowerCase()];
      if (key && this.canChange() && !event.ctrlKey && !event.metaKey && !event.altKey) wish(this.wire, key);
    });
    this.clear();
  }

  clear() {
    this.wire = null;
    this.flow = 0;
    this.quiet = 0;
    this.paint("free", "", "no wire");
    this.id.textContent = "";
  }

  show(wire) {
    const more = wire.wire === this.wire?.wire ? wire.seen - this.wire.seen : 0;
    this.flow = this.flow * 0.9 + more;
    this.quiet = more > 0 ? 0 : this.quiet + 1;
    this.wire = wire;
    this.id.textContent = `${wire.wire}`;
    const words = wire.state === "late" ? `+${wire.delay_ms} ms` : STATES[wire.state];
    const look = wire.state.startsWith("stall-") ? `${wire.state} half` : wire.state;
    // The origin goes on to see what comes by a wire whose answers are stalled.
    const busy = this.quiet < IDLE && ["live", "late", "stall-down"].includes(wire.state);
    const can = wire.state === "live" ? "Cut, stall or delay it." : this.canChange() ? "Restore it." : "";
    this.paint(busy ? `${look} busy` : look, words, `Wire ${wire.wire}, ${words}. ${can}`);
  }

  paint(look, words, label) {
    // Set only when it changes: a screen reader may read a changed label aloud.
    const set = (name, value) => this.button.getAttribute(name) === value || this.button.setAttribute(name, value);
    set("class", `wire ${look}`);
    set("aria-label", label.trim());
    set("aria-disabled", String(!this.canChange()));
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  canChange() {
    return this.wire?.state === "live" || STRUCK.includes(this.wire?.state);
  }
}
