// One line a check.

export class Report {
  #only;
  #passed = 0;
  #failed = 0;

  /** @param {string|null} only run the checks whose name contains this */
  constructor(only) {
    this.#only = only;
  }

  /** Runs `act`; what it returns is shown behind the name, what it throws is the failure. */
  async check(name, act) {
    if (this.#only && !name.includes(this.#only)) return;
    const startedAt = Date.now();
    const took = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
    try {
      const said = await act();
      this.#passed += 1;
      console.log(`ok    ${name}${said ? `: ${said}` : ""} (${took()})`);
    } catch (error) {
      this.#failed += 1;
      console.log(`FAIL  ${name}: ${error.message.split("\n").slice(0, 3).join(" | ")} (${took()})`);
    }
  }

  /** Prints the sum; the number of failures. Nothing run is a failure too. */
  end() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    return this.#passed + this.#failed === 0 ? 1 : this.#failed;
  }
}

/** Throws `told` unless `holds`. */
export function must(holds, told) {
  if (!holds) throw new Error(told);
}
