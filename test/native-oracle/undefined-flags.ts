/** The flags that the manual leaves undefined after an instruction (SDM vol. 2, "Flags Affected"). */
import { AF, CF, OF, PF, SF, ZF } from '../../vm-core/state/lazy-flags.ts';

const LOGIC = AF;
const MULTIPLY = SF | ZF | AF | PF;
const ALL = CF | PF | AF | ZF | SF | OF;

/** `count` is the shift count modulo 32, where the row has one; `bits` the operand's size. */
export function undefinedFlags(name: string, count: number, bits: number): number {
  switch (name) {
    case 'AND':
    case 'OR':
    case 'XOR':
    case 'TEST':
      return LOGIC;
    case 'DAA':
    case 'DAS':
      return OF;
    case 'AAA':
    case 'AAS':
      return OF | SF | ZF | PF;
    case 'AAM':
    case 'AAD':
      return OF | AF | CF;
    case 'MUL':
    case 'IMUL':
      return MULTIPLY;
    case 'DIV':
    case 'IDIV':
      return ALL;
    case 'BT':
    case 'BTS':
    case 'BTR':
    case 'BTC':
      return OF | SF | AF | PF;
    case 'BSF':
    case 'BSR':
      return CF | OF | SF | AF | PF;
    case 'ROL':
    case 'ROR':
    case 'RCL':
    case 'RCR':
      return count === 1 || count === 0 ? 0 : OF;
    case 'SHL':
    case 'SHR':
    case 'SAR':
      if (count === 0) return 0;
      return AF | (count === 1 ? 0 : OF) | (count >= bits && name !== 'SAR' ? CF : 0);
    case 'ANDN':
    case 'BLSR':
    case 'BLSMSK':
    case 'BLSI':
    case 'BZHI':
      return AF | PF;
    case 'BEXTR':
      return SF | AF | PF;
    case 'TZCNT':
    case 'LZCNT':
      return OF | SF | AF | PF;
    case 'SHLD':
    case 'SHRD':
      if (count === 0) return 0;
      return AF | (count === 1 ? 0 : OF);
    default:
      return 0;
  }
}
