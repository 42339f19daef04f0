import { describe, expect, it } from 'vitest';
import type { Display } from '../../vm-core/index.ts';
import { TextWatch } from './text-watch.ts';

const send = (watch: TextWatch, channel: string, text: string): void => watch.sawOutput(channel, Buffer.from(text));

function display(generation: number, rows: string[] | undefined): Display {
  return { generation, text: () => rows, render: () => expect.unreachable() };
}

describe('TextWatch', () => {
  it('finds a text that comes byte by byte, once', () => {
    const watch = new TextWatch('dön');
    let count = 0;
    watch.onSeen = () => {
      count += 1;
    };
    for (const byte of Buffer.from('abc ddön dön')) watch.sawOutput('a', Uint8Array.of(byte));
    expect(watch.seen).toBe(true);
    expect(count).toBe(1);
  });

  it('does not mix channels', () => {
    const watch = new TextWatch('done');
    send(watch, 'a', 'do');
    send(watch, 'b', 'ne');
    expect(watch.seen).toBe(false);
    send(watch, 'a', 'ne');
    expect(watch.seen).toBe(true);
  });

  it('finds a text on the screen, also across rows', () => {
    const inRow = new TextWatch('login:');
    inRow.look(display(1, ['', 'host login: ']));
    expect(inRow.seen).toBe(true);
    const across = new TextWatch('login:');
    across.look(display(1, ['host lo', 'gin:']));
    expect(across.seen).toBe(true);
  });

  it('looks again only when the picture has changed', () => {
    const watch = new TextWatch('x');
    watch.look(display(1, []));
    watch.look(display(1, ['x']));
    expect(watch.seen).toBe(false);
    watch.look(display(2, undefined));
    expect(watch.seen).toBe(false);
    watch.look(display(3, ['x']));
    expect(watch.seen).toBe(true);
  });
});
