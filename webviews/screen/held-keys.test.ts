import { describe, expect, it } from 'vitest';
import { HeldKeys } from './held-keys.ts';

/** Presses (`+KeyA`), releases (`-KeyA`) one after the other; gives scan codes and RELEASE where the keyboard goes back. */
function play(script: string, { mac = false, keys = new HeldKeys({ capsLockToggles: mac }) } = {}): string {
  let timeStamp = 0;
  return script
    .split(' ')
    .map((step) => {
      // `=` happens at the same moment as the step before it; a key's name may follow a colon.
      if (step[0] !== '=') timeStamp += 1;
      const [code = '', key = ''] = step.slice(1).split(':');
      const { scanCodes, release } =
        step[0] === '-' ? keys.up({ code, key, timeStamp }) : keys.down({ code, key, timeStamp });
      const hex = scanCodes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
      return release ? `${hex} RELEASE` : hex;
    })
    .join(', ');
}

describe('held keys', () => {
  it('make presses, repeats and releases', () => {
    expect(play('+KeyA +KeyA -KeyA -KeyA')).toBe('1e, 1e, 9e, ');
  });

  it('come up together when the keyboard is lost', () => {
    const keys = new HeldKeys({ capsLockToggles: false });
    play('+ShiftLeft +ArrowUp', { keys });
    expect(keys.releaseAll()).toEqual([0xaa, 0xe0, 0xc8]);
    expect(keys.releaseAll()).toEqual([]);
    expect(play('-ShiftLeft', { keys })).toBe('');
  });

  it('release as they were pressed, whatever is held by then', () => {
    expect(play('+AltLeft +PrintScreen -AltLeft -PrintScreen')).toBe('38, 54, b8, d4');
  });

  it('send Pause once, without release', () => {
    expect(play('+Pause +Pause -Pause +Pause')).toBe('e1 1d 45 e1 9d c5, , , e1 1d 45 e1 9d c5');
  });

  it('send Print Screen where only its release is told', () => {
    expect(play('-PrintScreen')).toBe('e0 2a e0 37 e0 b7 e0 aa');
  });

  it('ignore keys that a PC keyboard does not have', () => {
    expect(play('+Fn -Fn')).toBe(', ');
  });
});

describe('Ctrl+Alt', () => {
  it('gives the keyboard back when nothing else was pressed', () => {
    expect(play('+ControlLeft +AltLeft -AltLeft')).toBe('1d, 38, b8 9d RELEASE');
    expect(play('+AltLeft +ControlRight +ControlRight -ControlRight')).toBe('38, e0 1d, e0 1d, e0 9d b8 RELEASE');
  });

  it('is the guest’s together with other keys', () => {
    expect(play('+ControlLeft +AltLeft +F1 -F1 -AltLeft -ControlLeft')).toBe('1d, 38, 3b, bb, b8, 9d');
    expect(play('+KeyA +ControlLeft +AltLeft -AltLeft')).toBe('1e, 1d, 38, b8');
  });

  it('is not AltGr', () => {
    expect(play('+ControlLeft +AltRight -AltRight')).toBe('1d, e0 38, e0 b8');
  });
});

describe('hosts', () => {
  it('of Windows press Ctrl with AltGr; the guest does not see it', () => {
    expect(play('+ControlLeft =AltRight:AltGraph +KeyQ -KeyQ -ControlLeft -AltRight:AltGraph')).toBe(
      '1d, 9d e0 38, 10, 90, , e0 b8',
    );
  });

  it('leave a Ctrl alone that was pressed before AltGr', () => {
    expect(play('+ControlLeft +AltRight:AltGraph')).toBe('1d, e0 38');
  });

  it('of macOS do not tell of keys that come up under Command', () => {
    expect(play('+ShiftLeft +MetaLeft +KeyC -MetaLeft -KeyC')).toBe('2a, e0 5b, 2e, e0 db ae, ');
  });

  it('of macOS tell of Caps Lock going on and off', () => {
    expect(play('+CapsLock -CapsLock', { mac: true })).toBe('3a ba, 3a ba');
    expect(play('+CapsLock -CapsLock')).toBe('3a, ba');
  });
});
