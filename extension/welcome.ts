/** What greets a newcomer, as contributions of the manifest: the walkthrough, and the text in an idle debug view. */
import { DEBUG_TYPE } from './file-types.ts';

/** True in windows with a NASM source; set by the extension. */
export const HAS_SOURCES_CONTEXT = 'x86vm.folderHasSources';

/** The walkthrough's name within this extension. */
export const WALKTHROUGH = 'firstSteps';

const IN_SESSION = `inDebugMode && debugType == '${DEBUG_TYPE}'`;

interface Step {
  readonly id: string;
  readonly title: string;
  /** Markdown; a link on a line of its own is shown as a button. */
  readonly description: string;
  readonly altText: string;
  /** When the step counts as done; otherwise when it was looked at. */
  readonly done?: string;
}

const STEPS: readonly Step[] = [
  {
    id: 'source',
    title: 'Write a boot sector',
    description:
      'The debugger boots what a PC boots: a disk image, or a NASM source that it assembles first.\n' +
      '[New Boot Sector](command:x86vm.newBootSector)\n' +
      'Or [open a folder](command:workbench.action.files.openFolder) that has a source.',
    altText: 'A source of three lines, and the sector of 512 bytes that NASM makes of it.',
    done: 'onCommand:x86vm.newBootSector',
  },
  {
    id: 'start',
    title: 'Boot it under the debugger',
    description:
      'Press F5 in the source. The machine starts, the BIOS loads the sector, and the debugger stops at its first ' +
      'instruction.\n[Assemble and Debug](command:x86vm.assembleAndDebug)',
    altText: 'A line of source with the arrow of the debugger at address 0000:7C00.',
    done: `onContext:${IN_SESSION}`,
  },
  {
    id: 'look',
    title: 'Look at registers and memory',
    description:
      'F11 steps into, F10 over an instruction, F9 sets a breakpoint. The values of registers and memory operands stand ' +
      'behind the lines. Point at a register, a label or an operand to see its value, or put the cursor on it and run ' +
      '*Debug: Show Hover*.',
    altText: 'A line that reads memory at SI, with the values behind it.',
  },
  {
    id: 'screen',
    title: 'Use its screen and its serial port',
    description:
      'The screen takes the keyboard when you press Enter on it, and gives it back with the keys that it names.\n' +
      '[Open Screen](command:x86vm.openScreen)\n' +
      'A terminal can be connected to each serial port.\n[Open Serial Terminal](command:x86vm.openSerialTerminal)',
    altText: 'The screen of the machine, and a terminal with a plug.',
    done: 'onCommand:x86vm.openScreen',
  },
];

/** The walkthrough of the Welcome page. */
export function walkthroughs(): readonly unknown[] {
  const steps = STEPS.map(({ done, altText, ...step }) => ({
    ...step,
    media: { svg: `extension/images/walkthrough/${step.id}.svg`, altText },
    ...(done === undefined ? {} : { completionEvents: [done] }),
  }));
  const description = 'Boot an x86 machine and debug it from its first instruction.';
  return [{ id: WALKTHROUGH, title: 'Debug an x86 boot sector', description, steps }];
}

/** What the Run and Debug view says beside its own text while nothing is debugged. */
export function viewsWelcome(): readonly unknown[] {
  const contents =
    'This folder has assembly sources. They can be booted as they are.\n' +
    '[Assemble and Debug](command:x86vm.assembleAndDebug)\n' +
    '[First steps](command:x86vm.openWalkthrough) with the x86 VM.';
  return [{ view: 'debug', contents, when: HAS_SOURCES_CONTEXT }];
}
