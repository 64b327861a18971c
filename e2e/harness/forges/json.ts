/** A recorded payload with some of it replaced. */
export type Json = Readonly<Record<string, unknown>>;

/** Deep: objects are merged, everything else is replaced. */
export function withChanges(payload: unknown, changes: Json): Json {
  const base = isJson(payload) ? payload : {};
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(changes).map(([key, value]) => [
        key,
        isJson(value) && isJson(base[key]) ? withChanges(base[key], value) : value,
      ]),
    ),
  };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
