/** Reads server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  /** Of this event or of one before it. */
  readonly lastId: string;
}

// The coordinator's largest event is a batch of log lines, well below this.
const MOST_CHARACTERS = 32 * 1024 * 1024;

export async function* readEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let lastId = '';
  let name = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MOST_CHARACTERS) {
      throw new Error('an event of the stream is too long');
    }
    for (const line of lines) {
      const [field, value] = splitField(line.replace(/\r$/, ''));
      if (field === 'data') {
        data.push(value);
      } else if (field === 'event') {
        name = value;
      } else if (field === 'id') {
        lastId = value;
      } else if (field === '' && value === '') {
        if (data.length > 0) {
          yield { name: name === '' ? 'message' : name, data: data.join('\n'), lastId };
        }
        name = '';
        data = [];
      }
    }
  }
}

/** A comment begins with the colon: its field is `:`, which nobody asks for. */
function splitField(line: string): readonly [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon <= 0) {
    return [line, ''];
  }
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
