/**
 * Keeps each text once, and apart from what it was cut out of: a part of a text otherwise holds all of it in memory (a
 * remembered path held the 10 kB of the derivation that named it). Forgets everything when it has `most` of them.
 */
export function createInterning(most: number): (text: string) => string {
  const kept = new Map<string, string>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) {
      return known;
    }
    if (kept.size >= most) {
      kept.clear();
    }
    const own = Buffer.from(text).toString();
    kept.set(own, own);
    return own;
  };
}
