type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array | Float32Array;

/** A growing column of numbers: a few bytes per row, where objects would take a hundred. */
export class Column<Of extends Numbers> {
  readonly #make: new (
    length: number,
  ) => Of;
  values: Of;
  length = 0;

  constructor(make: new (length: number) => Of) {
    this.#make = make;
    this.values = new make(1024);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new this.#make(this.values.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  at(row: number): number {
    return this.values[row] as number;
  }
}

/** Numbers for strings, each string once. After ``most`` of them, all others are counted as "(others)". */
export class Names {
  static readonly OTHERS = "(others)";
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.list.length >= this.#most && name !== Names.OTHERS) return this.of(Names.OTHERS);
    this.#numbers.set(name, this.list.length);
    return this.list.push(name) - 1;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}
