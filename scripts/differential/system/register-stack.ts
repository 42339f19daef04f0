/**
 * How many registers of the x87 are in use while a sequence is made (SDM vol. 1 §8.1.2): QEMU does not notice instructions
 * that find one empty, or none free, so that sequences have few of them.
 */
import type { InstructionRow } from '../../../vm-core/isa/instruction-row.ts';

const PUSHES = /^F(I?LD|BLD|LD1|LDL2T|LDL2E|LDPI|LDLG2|LDLN2|LDZ|XTRACT)$/;
const POPS = /^F(.*P|YL2X|PATAN|YL2XP1)$/;
const POPS_NOT = /^FNOP$/;
const POPS_TWO = /^FU?COMPP$/;
/** Two registers from the top. */
const TAKES_TWO = /^F(SCALE|PREM1?|PATAN|YL2XP?1?|COMPP|UCOMPP)$/;
/** Leave all registers as they are, and ask for none. */
const ASKS_NONE = /^F(N.*|LDCW|ENI|DISI|SETPM|XAM|XSAVE)$/;
/** After instructions of MMX the registers hold no numbers: these take none of them. */
const AFTER_MMX = /^(EMMS|F(NINIT|NSAVE|XSAVE|RSTOR|XRSTOR|LDCW|NSTCW|NSTSW|NCLEX))$/;
const SIZE = 8;

export class RegisterStack {
  #used: number;
  #isMmx = false;

  /** `used` registers from the top are in use. */
  constructor(used: number) {
    this.#used = used;
  }

  /** Whether an instruction of the x87 or of MMX finds what it takes; then its effect counts. */
  accepts({ name, unit, operands }: InstructionRow, code: readonly number[]): boolean {
    if (unit === 'MMX' || operands.some((code) => /^[PQN]/.test(code))) {
      this.#isMmx = name !== 'EMMS';
      this.#used = this.#isMmx ? SIZE : 0;
      return true;
    }
    if (name === 'XRSTOR') this.#used = 0;
    if (unit !== 'x87') return true;
    if (this.#isMmx && !AFTER_MMX.test(name)) return false;
    if (/^F(NINIT|NSAVE|RSTOR|XRSTOR)$/.test(name)) this.#isMmx = false;
    if (/^F(NINIT|NSAVE)$/.test(name)) this.#used = 0;
    if (/^F(RSTOR|LDENV|XRSTOR)$/.test(name)) this.#used = SIZE;
    if (ASKS_NONE.test(name) || /^F(RSTOR|LDENV|XRSTOR)$/.test(name)) return true;
    const pushes = PUSHES.test(name);
    const distance = operands[0] === 'STi' ? ((code.at(-1) as number) & 7) + 1 : TAKES_TWO.test(name) ? 2 : 1;
    const takes = pushes && operands[0] !== 'STi' && name !== 'FXTRACT' ? 0 : distance;
    if (takes > this.#used || (pushes && this.#used === SIZE)) return false;
    const popped = POPS_TWO.test(name) ? 2 : POPS.test(name) && !POPS_NOT.test(name) ? 1 : 0;
    this.#used += (pushes ? 1 : 0) - popped;
    return true;
  }
}
