// The last minute of a contestant: a column for each tick, green where requests are answered, red as high as the share that
// is lost, and lines where something was done.
//
// A tick alone may see none of a few requests end. So each column shows those of a window that is as long as a lost request
// takes, and a client that loses all is red without gaps.
//
// Invariant: one lost request can be seen, among any number that were answered. Next: contestant.js, which owns it.

const MOST = 600;
const STRUCK = 1;
const RESTORED = 2;

export class Timeline {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} window ticks that a column tells of
   */
  constructor(canvas, window) {
    this.canvas = canvas;
    this.window = window;
    this.ticks = [];
    [this.width, this.height] = [0, 0];
    new ResizeObserver(() => this.fit()).observe(canvas);
    // Colours are the style sheet's, and change with the scheme.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** @param {[number, number, number][]} history answered, lost, mark */
  begin(history) {
    this.ticks = history.slice(-MOST);
    this.fit();
  }

  add(tick) {
    this.ticks.push(tick);
    if (this.ticks.length > MOST) this.ticks.shift();
    this.draw();
  }

  /** How many ticks there is room for. */
  room() {
    return Math.min(MOST, Math.floor(this.width));
  }

  fit() {
    const ratio = devicePixelRatio || 1;
    [this.width, this.height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.draw();
  }

  draw() {
    if (this.width === 0 || this.height === 0) return;
    const context = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name);
    const first = Math.max(0, this.ticks.length - this.room());
    const shares = this.shares().slice(first);
    const step = this.width / this.room();
    const left = (n) => (n + this.room() - shares.length) * step;
    context.setTransform(this.canvas.width / this.width, 0, 0, this.canvas.height / this.height, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const columns = (name, height) => {
      context.beginPath();
      shares.forEach((share, n) => {
        const high = share === null ? 0 : height(share) * this.height;
        if (high > 0) context.rect(left(n), this.height - high, step + 0.3, high);
      });
      context.fillStyle = colour(name);
      context.fill();
    };
    columns("--ok", (lost) => (lost < 1 ? 1 : 0));
    columns("--lost", (lost) => (lost > 0 ? Math.max(lost, 1 / 3) : 0));
    const ticks = this.ticks.slice(first);
    this.lines(context, ticks, left, STRUCK, colour("--struck"), [4, 3]);
    this.lines(context, ticks, left, RESTORED, colour("--restored"), [1.5, 3]);
  }

  /** For each tick the share of requests that were lost of those that ended in its window; null if none did. */
  shares() {
    let [answered, lost] = [0, 0];
    return this.ticks.map((tick, n) => {
      const gone = this.ticks[n - this.window] ?? [0, 0];
      answered += tick[0] - gone[0];
      lost += tick[1] - gone[1];
      return answered + lost === 0 ? null : lost / (answered + lost);
    });
  }

  lines(context, ticks, left, wanted, colour, dashes) {
    context.beginPath();
    ticks.forEach(([, , mark], n) => {
      if (mark !== wanted) return;
      context.moveTo(left(n), 0);
      context.lineTo(left(n), this.height);
    });
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.setLineDash(dashes);
    context.stroke();
  }
}
