import { describe, expect, it } from 'vitest';
import { launchArgumentRows } from '../session/launch-arguments.ts';
import { dapOptions, runOptions } from './command-options.ts';
import { parseDapOptions, parseRunOptions } from './run-options.ts';
import { helpText } from './usage.ts';

/** Not the default, which the machine's configuration leaves out. */
const OTHER_ENGINE =
  launchArgumentRows.find(({ name }) => name === 'engine')?.default === 'interpreter' ? 'compiler' : 'interpreter';

describe('parseRunOptions', () => {
  it('has a default for everything but the image', () => {
    const options = parseRunOptions(['boot.img']);
    expect(options).toMatchObject({
      serial: { kind: 'none' },
      debugcon: { kind: 'none' },
      parallel: { kind: 'none' },
      until: undefined,
      keys: [],
      instructionsMax: Number.POSITIVE_INFINITY,
      secondsMax: Number.POSITIVE_INFINITY,
      printScreen: false,
      onTripleFault: 'stop',
      noReboot: false,
    });
    expect(options.machine).toMatchObject({ program: 'boot.img', memorySize: 128 * 2 ** 20, exitDevice: false });
  });

  it('takes every option', () => {
    const words = (
      `boot.img --floppy a --disk=b --firmware builtin --vga-firmware v --memory 16M --cpus 1 --cpu 386 --local-apic hidden --engine ${OTHER_ENGINE} --machine isa-1 ` +
      '--serial stdio --debugcon file:/tmp/x --parallel file:/tmp/y --exit-device --until done --keys a<enter> --keys-after key ' +
      '--max-instructions 1000 --max-seconds 1.5 --screenshot s.png --print-screen --stats - --trace t ' +
      '--on-triple-fault reset --no-reboot'
    ).split(' ');
    expect(parseRunOptions(words)).toMatchObject({
      machine: {
        floppy: 'a',
        disk: 'b',
        vgaFirmware: 'v',
        localApic: 'hidden',
        engine: OTHER_ENGINE,
        memorySize: 16 * 2 ** 20,
        exitDevice: true,
      },
      serial: { kind: 'stdio' },
      debugcon: { kind: 'file', path: '/tmp/x' },
      parallel: { kind: 'file', path: '/tmp/y' },
      until: 'done',
      keys: [{ length: 2 }, { length: 2 }],
      keysAfter: 'key',
      instructionsMax: 1000,
      secondsMax: 1.5,
      screenshot: 's.png',
      printScreen: true,
      stats: '-',
      trace: 't',
      onTripleFault: 'reset',
      noReboot: true,
    });
  });

  it.each([
    ['', 'nothing to boot: give an IMAGE, --floppy, --disk, --cdrom or --kernel'],
    ['a b', 'b: there is no place for this word'],
    ['a --nonsense', '--nonsense: there is no such option'],
    ['a --debug', '--debug: there is no such option; there is --debugcon'],
    ['a --memory', '--memory: SIZE is missing'],
    ['a --floppy --disk x', '--floppy: FILE is missing'],
    [
      'a --memory 1T',
      '--memory: 1T cannot be; give 1M to 2G in steps of 64K, such as 128M or 1G; a number alone counts MiB',
    ],
    ['a --memory 100K', '--memory: 100K cannot be; give 1M to 2G in steps of 64K'],
    ['a --cpus two', '--cpus: two cannot be; give 1 to 16 processors'],
    ['a --cpu 586', '--cpu: "586" is none of "386", "486"'],
    ['a --machine q35', '--machine: "q35" is none of "isa-1"'],
    ['a --initrd k', '--initrd: there is no kernel to give it to; set kernel'],
    ['a --append k', '--append: there is no kernel to give it to; set kernel'],
    ['a --serial tcp:1', '--serial: tcp:1 is none of stdio, none, file:PATH'],
    ['a --serial file:', '--serial: file: is none of stdio, none, file:PATH'],
    ['a --debugcon x', '--debugcon: x is none of stdio, none, file:PATH'],
    ['a --keys <x>', '--keys: <x> is no key'],
    ['a --keys-after x', '--keys-after: there are no --keys to press'],
    ['a --until=', '--until: a text is expected'],
    ['a --max-instructions 0', '--max-instructions: 0 is no number above 0'],
    ['a --max-instructions 1e6', '--max-instructions: 1e6 is no number above 0'],
    ['a --max-seconds=-1', '--max-seconds: -1 is no number above 0'],
    ['a --on-triple-fault ignore', '--on-triple-fault: ignore is none of stop, reset'],
    ['a --print-screen=yes', '--print-screen'],
  ])('says what is wrong with %j', (words, message) => {
    expect(() => parseRunOptions(words.split(' ').filter((word) => word !== ''))).toThrow(message);
  });
});

describe('parseDapOptions', () => {
  it('serves standard input and output unless a port is given', () => {
    expect(parseDapOptions([])).toEqual({ port: undefined });
    expect(parseDapOptions(['--port', '4711'])).toEqual({ port: 4711 });
    expect(() => parseDapOptions(['--port', '70000'])).toThrow('--port: 70000 is no port number');
    expect(() => parseDapOptions(['boot.img'])).toThrow('boot.img: there is no place for this word');
  });
});

it('describes every option in the help', () => {
  for (const { name } of [...runOptions, ...dapOptions]) expect(helpText()).toContain(`--${name}`);
});
