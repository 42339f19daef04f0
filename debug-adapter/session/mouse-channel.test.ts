import { describe, expect, it } from 'vitest';
import { SessionClient } from '../../test/dap/support/session-client.ts';

/** Turns the mouse on (8042: A8h, then F4h by way of D4h) and writes every byte of the controller from 0600h on. */
const READS_MOUSE = [
  ...[0xfa, 0x31, 0xc0, 0x8e, 0xc0, 0xbf, 0x00, 0x06],
  ...[0xb0, 0xa8, 0xe6, 0x64, 0xb0, 0xd4, 0xe6, 0x64, 0xb0, 0xf4, 0xe6, 0x60],
  // again: in al, 64h; test al, 1; jz again; in al, 60h; stosb; jmp again
  ...[0xe4, 0x64, 0xa8, 0x01, 0x74, 0xfa, 0xe4, 0x60, 0xaa, 0xeb, 0xf5],
];
const ACK = 0xfa;

describe('the mouse of the screen view', () => {
  it('reaches a guest that reads its auxiliary device, through the input log', async () => {
    const image = new Uint8Array(1_474_560);
    image.set(READS_MOUSE);
    image.set([0x55, 0xaa], 510);
    const client = new SessionClient();
    client.host.files.set('/guest/mouse.img', image);
    await client.launch({ program: '/guest/mouse.img', listing: undefined, memory: '2M' });
    await client.stop();
    client.session.receiveScreen({ type: 'visible', visible: true });
    const wanted = () => client.screen.findLast((update) => update.type === 'mouse');
    const slices = (count: number): void => {
      for (let slice = 0; slice < count; slice++) client.host.runOne();
    };
    const received = (): number[] => {
      const bytes = [...(client.machine?.memory.read(0x600, 16) ?? [])];
      return bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
    };
    expect(wanted()).toMatchObject({ wanted: false });
    await client.request('continue', { threadId: 1 });
    slices(40);
    expect(wanted()).toMatchObject({ wanted: true });
    expect(received()).toEqual([ACK]);
    client.session.receiveScreen({ type: 'mouse', buttons: 1, dx: 5, dy: 3, dz: 0 });
    slices(40);
    // Left button, Y negative: down the screen.
    expect(received()).toEqual([ACK, 0x29, 5, 0xfd]);
    expect(client.machine?.inputLog.at(-1)).toMatchObject({ device: 'keyboard', channel: 'mouse' });
    // Movement while the machine stands still is not made up for; the button is.
    await client.run('pause');
    client.session.receiveScreen({ type: 'mouse', buttons: 0, dx: 100, dy: 100, dz: 0 });
    await client.request('continue', { threadId: 1 });
    slices(40);
    expect(received()).toEqual([ACK, 0x29, 5, 0xfd, 0x08]);
  });
});
