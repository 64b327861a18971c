/* oxlint-disable typescript/no-unsafe-type-assertion -- every place is inside the heap, and items may be anything */
/** A binary heap: the first by `isBefore` comes off first. */
export interface Heap<Item> {
  readonly size: number;
  push(item: Item): void;
  peek(): Item | undefined;
  pop(): Item | undefined;
  /** Keeps those that `isKept` says, in time that grows with their number. */
  filter(isKept: (item: Item) => boolean): void;
  /** The first `count` that `isKept` says, in order; the heap stays as it is. */
  first(count: number, isKept: (item: Item) => boolean): readonly Item[];
}

export function createHeap<Item>(isBefore: (one: Item, other: Item) => boolean): Heap<Item> {
  let items: Item[] = [];

  function siftUp(from: number, item: Item): void {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] as Item;
      if (!isBefore(item, parent)) {
        break;
      }
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  }
  function siftDown(from: number, item: Item): void {
    let at = from;
    for (let childAt = 2 * at + 1; childAt < items.length; childAt = 2 * at + 1) {
      const right = childAt + 1;
      if (right < items.length && isBefore(items[right] as Item, items[childAt] as Item)) {
        childAt = right;
      }
      const child = items[childAt] as Item;
      if (!isBefore(child, item)) {
        break;
      }
      items[at] = child;
      at = childAt;
    }
    items[at] = item;
  }

  return {
    get size() {
      return items.length;
    },
    push: (item) => {
      items.push(item);
      siftUp(items.length - 1, item);
    },
    peek: () => items[0],
    pop: () => {
      const first = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) {
        siftDown(0, last);
      }
      return first;
    },
    filter: (isKept) => {
      items = items.filter(isKept);
      for (let at = (items.length >> 1) - 1; at >= 0; at -= 1) {
        siftDown(at, items[at] as Item);
      }
    },
    first: (count, isKept) => {
      const found: Item[] = [];
      const frontier = createHeap<number>((one, other) => isBefore(items[one] as Item, items[other] as Item));
      for (let at: number | undefined = 0; at !== undefined && found.length < count; at = frontier.pop()) {
        const item = items[at];
        if (item !== undefined) {
          found.push(...(isKept(item) ? [item] : []));
          for (const childAt of [2 * at + 1, 2 * at + 2].filter((child) => child < items.length)) {
            frontier.push(childAt);
          }
        }
      }
      return found;
    },
  };
}
