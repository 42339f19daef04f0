/** The latch at port 80h that a POST card shows (IBM PC/AT Technical Reference, manufacturing checkpoint port). */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type PostCodeState = { code: number };

const POWER_ON: PostCodeState = { code: 0 };

export const postCodeDescription: DeviceDescription<PostCodeState> = {
  name: 'post-code',
  title: 'POST code',
  specification: 'IBM PC/AT Technical Reference, port 80h',
  version: 1,
  registers: [
    {
      name: 'CODE',
      region: 'code',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'the checkpoint written last',
      value: (state) => state.code,
    },
  ],
};

/** Makes the latch: region `code` (1 port); every write goes to the output channel `post-code`. */
export function createPostCode(context: DeviceContext): Device<PostCodeState> {
  const state: PostCodeState = { ...POWER_ON };
  const code: Region = {
    size: 1,
    width: 8,
    read: () => state.code,
    write(_offset, _size, value) {
      state.code = value;
      context.output('post-code', Uint8Array.of(value));
    },
  };
  return { description: postCodeDescription, state, ports: { code }, reset: () => resetState(state, POWER_ON) };
}
