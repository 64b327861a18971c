/**
 * Where a walk stands. Nix lists the names of a set in the order of their bytes; kinds come in the order asked for;
 * a set comes before what it holds. Resuming and meeting of two walks rest on this order.
 */
export type AttributeSegments = readonly string[];

export function createAttributeOrder(
  kinds: readonly string[],
): (left: AttributeSegments, right: AttributeSegments) => number {
  return (left, right) => {
    const byKind = kinds.indexOf(left[0] ?? '') - kinds.indexOf(right[0] ?? '');
    if (byKind !== 0) {
      return byKind;
    }
    for (let i = 1; i < left.length && i < right.length; i += 1) {
      const byName = Buffer.compare(Buffer.from(left[i] ?? ''), Buffer.from(right[i] ?? ''));
      if (byName !== 0) {
        return byName;
      }
    }
    return left.length - right.length;
  };
}

export function isInside(inner: AttributeSegments, outer: AttributeSegments): boolean {
  return inner.length > outer.length && outer.every((segment, i) => inner[i] === segment);
}
