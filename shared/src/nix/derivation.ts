/**
 * Reads a `.drv` file: the ATerm `Derive([outputs],[inputDrvs],[inputSrcs],system,builder,[args],[env])` of
 * https://nix.dev/manual/nix/latest/protocols/derivation-aterm. Rubbish is refused with where it went wrong.
 */
export interface DerivationOutput {
  readonly name: string;
  /** Empty where the path is known only after the build. */
  readonly path: string;
  /** As `sha256` or `r:sha256`; empty unless the output is known by its hash. */
  readonly hashAlgorithm: string;
  /** In hexadecimal; empty unless the output is known by its hash. */
  readonly hash: string;
}

export interface Derivation {
  readonly kind: 'derivation';
  readonly outputs: readonly DerivationOutput[];
  readonly inputDrvs: readonly { readonly drvPath: string; readonly outputs: readonly string[] }[];
  readonly inputSrcs: readonly string[];
  readonly system: string;
  readonly requiredSystemFeatures: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

export interface RefusedDerivation {
  readonly kind: 'refused';
  readonly reason: string;
}

export function parseDerivation(text: string): Derivation | RefusedDerivation {
  try {
    return readDerivation(new Reader(text));
  } catch (error) {
    if (error instanceof Refusal) {
      return { kind: 'refused', reason: error.message };
    }
    throw error;
  }
}

/** Stays inside this file: a refusal unwinds from any depth and leaves as a value. */
class Refusal extends Error {}

function readDerivation(reader: Reader): Derivation {
  reader.expect('Derive(');
  const outputs = reader.list(() => {
    const [name = '', path = '', hashAlgorithm = '', hash = ''] = reader.tuple(4);
    return { name, path, hashAlgorithm, hash };
  });
  reader.expect(',');
  const inputDrvs = reader.list(() => {
    reader.expect('(');
    const drvPath = reader.string();
    reader.expect(',');
    const names = reader.list(() => reader.string());
    reader.expect(')');
    return { drvPath, outputs: names };
  });
  reader.expect(',');
  const inputSrcs = reader.list(() => reader.string());
  reader.expect(',');
  const system = reader.string();
  reader.expect(',');
  reader.string(); // the builder
  reader.expect(',');
  reader.list(() => reader.string()); // its arguments
  reader.expect(',');
  const env = new Map(
    reader.list((): [string, string] => {
      const [name = '', value = ''] = reader.tuple(2);
      return [name, value];
    }),
  );
  reader.expect(')');
  reader.end();
  return {
    kind: 'derivation',
    outputs,
    inputDrvs,
    inputSrcs,
    system,
    env,
    requiredSystemFeatures: requiredFeatures(env),
  };
}

/** With `__structuredAttrs` the attributes are in one JSON, and a list is a list. */
function requiredFeatures(env: ReadonlyMap<string, string>): readonly string[] {
  const json = env.get('__json');
  if (json === undefined) {
    return (env.get('requiredSystemFeatures') ?? '').split(/\s+/).filter((word) => word !== '');
  }
  try {
    const attributes: unknown = JSON.parse(json);
    const features: unknown =
      typeof attributes === 'object' && attributes !== null && 'requiredSystemFeatures' in attributes
        ? attributes.requiredSystemFeatures
        : [];
    return Array.isArray(features) ? features.filter((feature) => typeof feature === 'string') : [];
  } catch {
    // Nix itself would refuse to build it; it needs no feature to fail.
    return [];
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expect(token: string): void {
    if (!this.#text.startsWith(token, this.#at)) {
      throw this.#refusal(`expected ${token}`);
    }
    this.#at += token.length;
  }

  end(): void {
    if (this.#at !== this.#text.length) {
      throw this.#refusal('expected the end');
    }
  }

  string(): string {
    this.expect('"');
    let value = '';
    for (;;) {
      const rest = this.#nextSpecial();
      value += this.#text.slice(this.#at, rest);
      this.#at = rest + 1;
      if (this.#text[rest] === '"') {
        return value;
      }
      const escaped = this.#text[this.#at];
      if (escaped === undefined) {
        throw this.#refusal('expected the rest of a string');
      }
      value += ESCAPES[escaped] ?? escaped;
      this.#at += 1;
    }
  }

  list<Item>(readItem: () => Item): readonly Item[] {
    this.expect('[');
    const items: Item[] = [];
    while (this.#text[this.#at] !== ']') {
      if (items.length > 0) {
        this.expect(',');
      }
      items.push(readItem());
    }
    this.#at += 1;
    return items;
  }

  tuple(length: number): readonly string[] {
    this.expect('(');
    const items: string[] = [];
    while (items.length < length) {
      if (items.length > 0) {
        this.expect(',');
      }
      items.push(this.string());
    }
    this.expect(')');
    return items;
  }

  /** Where the next quote or backslash stands. */
  #nextSpecial(): number {
    for (let at = this.#at; at < this.#text.length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22 || code === 0x5c) {
        return at;
      }
    }
    throw this.#refusal('expected the end of a string');
  }

  #refusal(expected: string): Refusal {
    const came = this.#text.slice(this.#at, this.#at + 20);
    return new Refusal(`${expected} at ${this.#at}, got ${came === '' ? 'nothing' : JSON.stringify(came)}`);
  }
}
