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
  left: "client closed it",
  ended: "server closed it",
};

export class Wires {
  /**
   * @param {HTMLElement} place
   * @param {number} kept rows that stay although nothing is in them, so that the page does not jump
   * @param {(wire: object, wish: string) => void} wish told "click", "cut", "delay" or "restore"
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
    return this.rows.map((row) => row.wire).filter((wire) => wire?.state === "cut" || wire?.state === "late");
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
      const key = { c: "cut", d: "delay", r: "restore" }[event.key.toLowerCase()];
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
    const busy = this.quiet < IDLE && (wire.state === "live" || wire.state === "late");
    const can = { live: "Cut or delay it.", late: "Restore it.", cut: "Restore it." }[wire.state] ?? "";
    this.paint(busy ? `${wire.state} busy` : wire.state, words, `Wire ${wire.wire}, ${words}. ${can}`);
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
    return ["live", "late", "cut"].includes(this.wire?.state);
  }
}
